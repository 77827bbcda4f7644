"""From a request's body to an answer: the threads, their limits and the model in service. Begin with `service`."""
