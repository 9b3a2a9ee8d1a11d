//go:build linux

// What a worker tells Prometheus.

package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rawshake/rawshake/internal/fleet"
)

// serveMetrics serves a worker's counters until end is called.
func serveMetrics(listen string, w *fleet.Worker) (end func(), err error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, m := range []struct {
		name, help string
		counter    bool
		value      func(*fleet.Member) float64
	}{
		{"rawshake_packets_total", "Packets sent, of all kinds.", true, func(m *fleet.Member) float64 { return float64(m.Packets) }},
		{"rawshake_results_total", "Targets that have a result.", true, func(m *fleet.Member) float64 { return float64(m.Results) }},
		{"rawshake_excluded_total", "Targets left out by what was excluded while the scan ran.", true, func(m *fleet.Member) float64 { return float64(m.Excluded) }},
		{"rawshake_rate_packets", "Packets a second that this worker may send now.", false, func(m *fleet.Member) float64 { return m.Rate }},
		{"rawshake_working", "1 while the worker has a shard.", false, func(m *fleet.Member) float64 {
			if m.Shard != nil {
				return 1
			}
			return 0
		}},
	} {
		value := func() float64 { now := w.Member(); return m.value(&now) }
		if m.counter {
			r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, value))
		} else {
			r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: m.name, Help: m.help}, value))
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go s.Serve(l)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.Shutdown(ctx)
	}, nil
}
