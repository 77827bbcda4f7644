"""How long tests wait for what an idle machine does in a moment."""

# Seconds: a guard against waiting for ever, so long that no busy machine decides a test by it.
PATIENCE = 300.0
