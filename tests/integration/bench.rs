//! How the bench judges what it has measured. The measuring itself is `make bench`.

#[path = "../../benches/goal.rs"]
mod goal;
#[path = "../../benches/readme.rs"]
mod readme;

use std::path::Path;

use goal::{Goal, Peer, median};
use readme::with_table;
use testbed::Tool;

#[test]
fn a_goal_is_met_exactly_where_the_issue_says_so() {
    let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
    // goal, ours, peer, ratio, its number, met, its words
    let table = [
        (
            Goal::ShareOfTime(0.4),
            40.0,
            Some(100.0),
            0.4,
            Some(0.4),
            Some(true),
            "ratio ≤ 0.4",
        ),
        (
            Goal::ShareOfTime(0.4),
            41.0,
            Some(100.0),
            0.41,
            Some(0.4),
            Some(false),
            "ratio ≤ 0.4",
        ),
        (
            Goal::TimesFaster(25.0),
            4.0,
            Some(100.0),
            25.0,
            Some(25.0),
            Some(true),
            "≥ 25 times faster",
        ),
        (
            Goal::TimesFaster(25.0),
            5.0,
            Some(100.0),
            20.0,
            Some(25.0),
            Some(false),
            "≥ 25 times faster",
        ),
        (
            Goal::ShareOfRate(0.7),
            70.0,
            Some(100.0),
            0.7,
            Some(0.7),
            Some(true),
            "≥ 0.7 of its rate",
        ),
        (
            Goal::ShareOfRate(0.7),
            69.0,
            Some(100.0),
            0.69,
            Some(0.7),
            Some(false),
            "≥ 0.7 of its rate",
        ),
        (Goal::AtMost(20.0), 20.0, None, 1.0, Some(20.0), Some(true), "≤ 20"),
        (Goal::AtMost(20.0), 30.0, None, 1.5, Some(20.0), Some(false), "≤ 20"),
        (Goal::Told, 1.0, Some(4.0), 0.25, None, None, "–"),
    ];
    for (goal, ours, peer, ratio, number, met, words) in table {
        let judged = goal.judge(ours, peer);
        assert!(close(judged.0, ratio), "{goal:?}: the ratio is {}", judged.0);
        assert_eq!((judged.1, judged.2), (number, met), "{goal:?} of {ours} and {peer:?}");
        assert_eq!(goal.words(), words);
    }
}

#[test]
fn without_a_figure_of_the_peer_no_goal_beside_it_is_met() {
    for goal in [Goal::ShareOfTime(0.4), Goal::TimesFaster(25.0), Goal::ShareOfRate(0.7)] {
        assert_eq!(goal.judge(1.0, None).2, Some(false), "{goal:?}");
        // No round was run.
        assert_eq!(goal.judge(1.0, Some(median(&[]))).2, Some(false), "{goal:?}");
    }
}

#[test]
fn of_several_rounds_the_middle_one_counts() {
    let peer = Peer {
        name: "script",
        does: "five steps",
        rounds: vec![285.0, 181.0, 190.0],
    };
    assert!((median(&peer.rounds) - 190.0).abs() < 1e-9);
    assert!((median(&[1.0, 4.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    let json = serde_json::to_value(&peer).unwrap();
    assert_eq!((&json["name"], &json["does"]), (&"script".into(), &"five steps".into()));
}

#[test]
fn the_table_of_the_readme_is_replaced_and_nothing_else() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let first = with_table(&page, "| one |\n\nMeasured.\n\n").unwrap();
    let second = with_table(&first, "| two |").unwrap();
    assert!(first.contains("\n| one |\n\nMeasured.\n<!--") && second.contains("\n| two |\n<!--"));
    assert!(!second.contains("| one |"));
    // What stands around the table stays.
    let around = |page: &str| with_table(page, "").unwrap();
    assert_eq!(around(&page), around(&second));
    assert_eq!(with_table("a page without a place", "| one |"), None);
}

#[tokio::test]
async fn the_five_steps_say_how_they_are_used_before_they_touch_anything() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/five-steps.sh");
    // Without a kubeconfig: any step that it began would fail with another word.
    let ran = Tool::new("/bin/bash").unwrap().run(&[script]).await.unwrap();
    assert_eq!(ran.code, 2, "{}", ran.said());
    assert!(ran.err.contains("usage: five-steps.sh"), "{}", ran.said());
}
