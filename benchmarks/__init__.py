"""The measurements that README and docs/performance.md quote, each one command."""
