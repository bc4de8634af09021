"""The suites that come with scmbench, as TOML files."""
