//! A leaderboard: each player's best score by game, and the players of a game in the order of their scores.
//!
//! A score is kept by one conditional update, so that of two that arrive together the better one stays. The index
//! `ByScore` is another order of the same items and changes in the same commit: whoever reads the top reads the truth.
//!
//! `cargo run --example leaderboard`

use pixii::{Database, Entity, ErrorKind, TypedTable, attr};
use serde::{Deserialize, Serialize};
use std::thread;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Entity)]
#[pixii(table = "Scores")]
struct Score {
    #[pixii(partition_key, index(name = "ByScore", partition_key))]
    game: String,
    #[pixii(sort_key)]
    player: String,
    #[pixii(index(name = "ByScore", sort_key))]
    points: u64,
    /// How often the player has come to the board.
    games_played: u64,
}

struct Leaderboard {
    scores: TypedTable<Score>,
}

impl Leaderboard {
    /// Takes in a score. Says whether it is the player's best so far.
    fn record(&self, game: &str, player: &str, points: u64) -> pixii::Result<bool> {
        let is_better = attr("points").not_exists() | Score::POINTS.lt(points);
        let best = self.scores.update((game, player)).set(Score::POINTS, points).add(Score::GAMES_PLAYED, 1);
        match best.condition(is_better).send() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConditionalCheckFailed => {
                self.scores.update((game, player)).add(Score::GAMES_PLAYED, 1).send()?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The best players of a game, best first.
    fn top(&self, game: &str, count: usize) -> pixii::Result<Vec<Score>> {
        self.scores.query_by(Score::BY_SCORE, game).reverse().limit(count).into_iter().collect()
    }

    /// The place of a player, from 1: one more than there are players with more points.
    fn place(&self, game: &str, player: &str) -> pixii::Result<Option<usize>> {
        let Some(score) = self.scores.get((game, player))? else { return Ok(None) };
        let better = self.scores.query_by(Score::BY_SCORE, game).sort_key_greater(score.points);
        Ok(Some(better.count()? + 1))
    }
}

pub(crate) fn main() -> pixii::Result<()> {
    let database = Database::in_memory()?;
    let board = Leaderboard { scores: database.entity_or_create()? };

    for (player, points) in [("ada", 310), ("bob", 90), ("cem", 1_200), ("dan", 310), ("eva", 25)] {
        assert!(board.record("tetris", player, points)?, "the first score of a player is the best one");
    }
    assert!(!board.record("tetris", "cem", 800)?, "a worse one does not count");
    assert!(board.record("tetris", "bob", 500)?);
    board.record("chess", "ada", 9_999)?;

    let top = board.top("tetris", 3)?;
    println!("tetris:");
    for (score, place) in top.iter().zip(1..) {
        println!("  {place}. {} with {}", score.player, score.points);
    }
    let names: Vec<&str> = top.iter().map(|score| score.player.as_str()).collect();
    // Numbers are ordered as numbers: 1200 stands above 500. Equal scores are kept apart by the table's key.
    assert_eq!(names, ["cem", "bob", "dan"]);
    assert_eq!(board.place("tetris", "ada")?, Some(3));
    assert_eq!(board.place("tetris", "dan")?, Some(3), "equal scores share a place");
    assert_eq!(board.place("tetris", "eva")?, Some(5));
    assert_eq!(board.place("tetris", "nobody")?, None);

    // A player whose games end on four machines at once: the best one stays, and each is counted.
    thread::scope(|scope| {
        let machines: Vec<_> = (0..4_u64)
            .map(|machine| {
                let board = &board;
                scope.spawn(move || {
                    (0..25)
                        .try_for_each(|round| board.record("tetris", "eva", round * 100 + machine).map(drop))
                })
            })
            .collect();
        machines.into_iter().try_for_each(|machine| machine.join().expect("no machine panics"))
    })?;
    let eva = board.scores.get(("tetris", "eva"))?.expect("she has played");
    println!("eva's best of {} games: {}", eva.games_played, eva.points);
    assert_eq!((eva.points, eva.games_played), (2_403, 101));
    assert_eq!(board.place("tetris", "eva")?, Some(1));
    Ok(())
}
