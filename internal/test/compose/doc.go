// Package compose holds the test of scripts/docker: the image, and the Compose
// project as a network to connect and scan in. It needs a Docker engine and
// docker-compose, and takes nothing from any registry.
package compose
