// Package fleet is one scan over many machines, on NATS JetStream: a scan is cut
// into shards, which workers take, lease, and do; what they find goes into a
// stream of results, of which a collector makes one result a target.
//
// What it knows of a scan lies in JetStream alone, in a stream of shards, a
// stream of results and a key-value bucket, so that any process of it may die at
// any time. A shard whose worker is gone goes on, at another, from the last
// checkpoint that is there.
package fleet
