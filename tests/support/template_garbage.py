"""A hypothesis strategy for values of any shape, some of which look a little like templates."""

from __future__ import annotations

from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
names = st.sampled_from(
    ["Resources", "Begin", "Metadata", "GuestAgentCluster", "Version", "Type", "Properties", "Master0000"]
)
garbage = st.recursive(
    scalars | st.just("AWS::EC2::Instance"),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(names | scalars, values, max_size=5),
    max_leaves=25,
)
