"""Manages the servers, volumes, ports and security groups of clusters, by orders that survive a crash."""
