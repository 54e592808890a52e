import json

from hypothesis import given
from hypothesis import strategies as st

from feedarchiver.jsontext import quoted

characters = st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\/\0\b\f\n\r\t\x1f\x7f\u2028\ufeff')


@given(st.text(characters))
def test_what_json_writes(text):
    """A text is written as `json` writes it, to the byte."""
    assert quoted(text.encode()) == json.dumps(text, ensure_ascii=False).encode()
