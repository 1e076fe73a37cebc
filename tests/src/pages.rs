//! The programs on the pages for people compile.

#[doc = include_str!("../../README.md")]
struct Readme;

#[doc = include_str!("../../runtime/docs/embedding.md")]
struct Embedding;
