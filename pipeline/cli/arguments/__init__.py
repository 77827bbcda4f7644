"""The arguments of each command, by what the commands are for. Begin with `running`."""
