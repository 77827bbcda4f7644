"""What leaves the repository, and what is said of it: the wheel, lists of what is in it and in the images, signatures.

Nothing here is installed; the Makefile runs it (`sbom`, `licences`, `audit`, `bases`, `wheel`, `sign`, `verify`). Begin
with `sbom`.
"""
