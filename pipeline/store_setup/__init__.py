"""An S3 store made ready for runs: buckets, versions, lifecycle, rights, a key. Begin with `whole`."""
