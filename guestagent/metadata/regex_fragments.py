"""Regular expressions that the shapes share, with one meaning for Python and for readers of a schema."""

END = r"$(?!\n)"  # Python's `$` alone matches before a last newline too
SURROGATES = r"\ud800-\udfff"  # JSON can spell them; no encoding can carry them
CONTROL = rf"[\u0000-\u001f\u007f-\u009f{SURROGATES}]"
