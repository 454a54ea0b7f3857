"""Regular expressions of several shapes. They mean the same in Python and in a JSON Schema."""

END = r"$(?!\n)"  # Python's `$` alone matches before a last newline too
SURROGATES = r"\ud800-\udfff"  # JSON can spell them; no encoding can carry them
CONTROL = rf"[\u0000-\u001f\u007f-\u009f{SURROGATES}]"
