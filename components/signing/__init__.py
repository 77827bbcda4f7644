"""Signatures of folders, in the form of OpenSSF Model Signing: who signs, whom one trusts, and the check.

Begin with `folder`. The library takes half a second to import, so nothing here does before it is asked to.
"""
