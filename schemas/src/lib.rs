//! JSON Schemas, type metadata and message catalogues of Enishi, embedded
