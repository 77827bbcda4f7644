"""Everything that runs inside Pawline's containers: verbs are steps, nouns are what the steps share."""
