"""The files that a person begins with: parameters to fill in, and their schema for editors. Begin with `starter`."""
