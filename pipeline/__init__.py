"""What runs on the author's machine: component specs, the graph, compilation and the `pawline` command."""
