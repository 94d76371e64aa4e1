//! The functions of the suite, once for every backend: `contract!` hands the list to the macro that makes tests of it.

/// Calls `$make` with every module of the suite and its functions.
macro_rules! contract {
    ($make:ident) => {
        $make! {
            orders:
                an_order_comes_back_as_it_was,
                a_revision_follows_on_the_stored_one,
                an_id_is_used_once,
                one_order_is_active_per_application,
                the_sequence_within_a_commit_does_not_matter_to_the_rule_of_one,
                a_revived_order_counts_as_active,
                a_commit_is_all_or_nothing,
                orders_are_listed_newest_first,
                active_orders_come_rollbacks_first,
                an_order_is_found_by_its_parts,
                events_are_numbered_and_only_appended,
                of_fifty_at_once_one_wins;
            apps:
                an_application_comes_back_as_it_was,
                a_name_is_taken_once,
                a_revision_follows_on_the_stored_one,
                applications_are_filtered_and_sorted,
                orders_and_versions_outlive_their_application,
                versions_are_put_and_listed;
            documents:
                records_are_kept,
                a_record_follows_on_the_stored_revision,
                records_go_with_the_application_that_owns_them;
            leases:
                a_lease_keeps_others_out_until_it_runs_out,
                a_renewal_keeps_the_token_only_in_time,
                tokens_grow_across_orders,
                a_new_store_begins_above_one_that_was_lost,
                a_lease_is_given_back_by_its_token_only,
                a_commit_needs_the_present_lease;
            records:
                keys_are_kept,
                clusters_are_kept,
                logical_regions_are_kept;
        }
    };
}
