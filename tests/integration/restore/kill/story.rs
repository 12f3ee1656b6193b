//! The tests.

use std::time::Instant;

use testbed::bed::{self, Bed, BedOptions};
use testbed::outage;
use testbed::proxy::Side;

use super::chain::{Chain, Link};
use super::point::{ALL, ORDINARY, OWN, Point, Spread};
use super::snapshot::{self, Snapshot};
use crate::restore::scene::Scene;

/// What an undisturbed restore makes, and how many changing requests and appends it takes.
struct Undisturbed {
    snapshot: Snapshot,
    requests: usize,
    appends: usize,
}

#[tokio::test]
async fn killed_at_sixty_points_it_ends_as_if_nothing_had_been() {
    let points = tell(ORDINARY).await;
    assert!(points >= 60, "only {points} points were visited");
}

#[tokio::test]
#[ignore = "takes half an hour: `make nightly` runs it"]
async fn killed_at_every_point_it_ends_as_if_nothing_had_been() {
    tell(ALL).await;
}

/// Restores undisturbed, then on another cluster with kills; returns at how many points.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the number of points and the time they took are what a reader of the test run wants to know"
)]
async fn tell(spread: Spread) -> usize {
    let mut scene = Scene::start().await;
    let undisturbed = undisturbed(&scene).await;
    // The same store and the same repositories, a new cluster.
    let options = BedOptions {
        context: outage::CONTEXT.to_owned(),
        ..BedOptions::default()
    };
    scene.outage.bed = Bed::start(options).await.unwrap();

    let began = Instant::now();
    let mut chain = Chain::begin(&scene).await;
    chain.data.kills_on_both_sides();
    let mut answered = 0;
    let mut turn = 0;
    // Changing requests, before and after in turn, with appends between them that do not lead further than those.
    while answered < undisturbed.requests {
        if turn % spread.elsewhere_every == spread.elsewhere_every - 1 {
            chain.lose_the_machine().await;
        }
        let stride = spread.strides[turn % spread.strides.len()];
        let side = if turn % 2 == 0 { Side::Before } else { Side::After };
        let Link::Killed = chain.link(Point::Request(stride, side)).await else {
            break;
        };
        answered += stride + usize::from(side == Side::After);
        turn += 1;
        if turn % spread.appends_every == 0 {
            let reached = chain.appends();
            chain.link(Point::Append(1 + turn % reached)).await;
            if chain.torn == 0 && turn % reached > 2 {
                chain.tear();
            }
        }
        if turn % spread.own_every == 0 {
            chain.link(OWN[turn / spread.own_every % OWN.len()]).await;
        }
    }
    // And the appends towards the end, the very last but one included: of what the last one says nothing is left to do.
    let late = undisturbed.appends.saturating_sub(spread.late_appends).max(1);
    for nth in late..undisturbed.appends {
        let Link::Killed = chain.link(Point::Append(nth)).await else {
            break;
        };
    }
    let last = chain.run_to_the_end().await;
    let points = chain.killed.len();
    eprintln!(
        "killed at {points} points in {}s, {} times on a machine that was lost, {} times asked ({answered} of {} changing requests): {}",
        began.elapsed().as_secs(),
        chain.lost,
        chain.refused,
        undisturbed.requests,
        chain.killed.iter().map(Point::to_string).collect::<Vec<_>>().join(", ")
    );
    assert_eq!(last.code, 0, "{}", last.said());
    assert!(chain.lost >= 3, "only {} times the machine was lost", chain.lost);
    assert_eq!(chain.torn, 1, "no journal was torn");
    assert!(
        chain.refused >= 2,
        "of what must not be done twice the end was not known twice, and it was asked for {} times",
        chain.refused
    );
    assert_eq!(
        chain.data.times_done(),
        1,
        "what must not be done twice: {}",
        last.said()
    );

    let differences = snapshot::differences(&undisturbed.snapshot, &snapshot::take(&scene).await);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    let deleted = scene
        .mutations()
        .await
        .into_iter()
        .filter(|event| event.verb.starts_with("delete"));
    assert_eq!(
        deleted.collect::<Vec<_>>(),
        [],
        "something was deleted by {}",
        bed::ADMINISTRATOR
    );
    points
}

async fn undisturbed(scene: &Scene) -> Undisturbed {
    let mut chain = Chain::begin(scene).await;
    let ran = chain.run_to_the_end().await;
    assert_eq!(ran.code, 0, "{}", ran.said());
    Undisturbed {
        snapshot: snapshot::take(scene).await,
        requests: scene.platform_mutations().await.len(),
        appends: chain.appends(),
    }
}
