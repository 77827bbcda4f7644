"""OAuth2 bearer tokens and the issuer's keys. Begin with `authorization`."""
