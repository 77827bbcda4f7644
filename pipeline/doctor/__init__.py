"""Whether all that a run will need is in order, each thing with a sentence. Begin with `examination.py`."""
