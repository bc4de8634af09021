"""The properties of the kit, in the order in which they are told."""

from __future__ import annotations

from . import answering, fitting, repeating
from .subject import Property

_IN_ORDER = (
    fitting.options_are_plain,
    fitting.fit_refuses_bad_data,
    answering.answers_what_it_declares,
    answering.answers_are_complete,
    answering.do_is_exact,
    answering.discrete_nodes_keep_their_levels,
    answering.non_descendants_untouched,
    answering.non_descendants_keep_their_distribution,
    answering.empty_do_is_identity,
    answering.empty_do_is_observational,
    answering.rows_are_answered_by_themselves,
    answering.queries_refuse_bad_input,
    answering.optional_methods_work,
    repeating.same_seed_same_answer,
    repeating.another_seed_another_sample,
    repeating.queries_leave_no_state,
    repeating.fit_is_repeatable,
    repeating.fit_many_equals_fit,
    repeating.query_options_share_the_fit,
    repeating.global_state_untouched,
    repeating.inputs_untouched,
)

PROPERTIES: dict[str, Property] = {each.name: each for each in _IN_ORDER}
"""Property by name: the names that `CausalModel.waives` uses."""
