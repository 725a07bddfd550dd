//! The examples do what they say: each asserts its claims, and is run here.

#[path = "../../examples/bank.rs"]
mod bank;
#[path = "../../examples/crash_test.rs"]
mod crash_test;
#[path = "../../examples/inbox.rs"]
mod inbox;
#[path = "../../examples/leaderboard.rs"]
mod leaderboard;
#[path = "../../examples/outbox.rs"]
mod outbox;
#[path = "../../examples/sessions.rs"]
mod sessions;

#[test]
fn the_bank_neither_makes_nor_loses_money() -> pixii::Result<()> {
    bank::main()
}

#[test]
fn the_counter_never_goes_back() -> pixii::Result<()> {
    crash_test::main()
}

#[test]
fn the_inbox_is_read_by_page_and_by_sender() -> pixii::Result<()> {
    inbox::main()
}

#[test]
fn the_leaderboard_keeps_the_best_score_of_each_player() -> pixii::Result<()> {
    leaderboard::main()
}

#[test]
fn the_outbox_tells_everything_through_a_restart() -> pixii::Result<()> {
    outbox::main()
}

#[test]
fn sessions_end_at_their_instant_and_are_told() -> pixii::Result<()> {
    sessions::main()
}
