"""ingest: documents in, their photos out, in the form in which a labelling tool takes them.

Begin with `step`; what opens a document runs in a process of its own, `document_process`.
"""
