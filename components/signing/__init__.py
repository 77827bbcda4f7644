"""Signatures of folders, in the form of OpenSSF Model Signing: who signs, whom one trusts, and the check.

Begin with `folder`. A signature by a key is verified here; signing, and keyless signatures, are the library's, which is
imported only then.
"""
