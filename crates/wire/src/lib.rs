//! The EDAS protocol on the wire: signatures, parameters, envelopes, response models, error codes. Pure.
