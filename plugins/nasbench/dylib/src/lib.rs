//! The search spaces of published tables as a plugin: a library that an application loads at run
//! time. Its whole code is one line.

supernet_plugin::export_plugin!(supernet_nasbench);
