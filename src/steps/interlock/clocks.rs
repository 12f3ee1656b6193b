//! Whether the cluster's clock and ours agree: who compared what since when is read off both.

use crate::cluster::{Cluster, Skew, TOLERATED};
use crate::engine::Context;
use crate::event::Failure;

/// Refuses clocks that are far apart; with a smaller distance the cluster's own time is reckoned with from here on.
pub(super) async fn agree(cluster: &Cluster, context: &Context) -> Result<(), Failure> {
    let Some(skew) = cluster.measure_skew(context.clock()).await? else {
        context.notice("The API server does not tell the time: its clock is taken to agree with ours.");
        return Ok(());
    };
    judged(skew)?;
    let apart = skew.likely();
    if !apart.is_zero() {
        context.notice(format!(
            "The API server's clock is {} s {} ours; its own time is reckoned with.",
            apart.unsigned_abs().as_secs(),
            if apart.is_negative() { "behind" } else { "ahead of" }
        ));
    }
    Ok(())
}

fn judged(skew: Skew) -> Result<(), Failure> {
    let apart = skew.certain();
    if apart.unsigned_abs() <= TOLERATED {
        return Ok(());
    }
    let shown = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let mut failure = Failure::new(format!(
        "the clocks of the API server and of this machine are {} s apart, and {} s are tolerated",
        apart.unsigned_abs().as_secs(),
        TOLERATED.as_secs()
    ));
    failure.causes = vec![
        format!("the API server says {}", shown(skew.theirs())),
        format!("this machine says {}", shown(skew.ours)),
    ];
    Err(failure
        .hint("see which of the two is wrong, and set it: `timedatectl set-ntp true`, or `chronyc makestep`")
        .hint("certificates, tokens and the agent's own times are judged by these clocks"))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    #[test]
    fn more_than_a_minute_is_refused_with_both_times() {
        let ours: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let apart = |seconds: i64| {
            let date = ours + SignedDuration::from_secs(seconds);
            judged(Skew::of(ours, date, ours))
        };
        for (seconds, refused) in [
            (0, false),
            (20, false),
            (60, false),
            (61, true),
            (-61, false),
            (-62, true),
        ] {
            assert_eq!(apart(seconds).is_err(), refused, "{seconds}");
        }
        let told = apart(3600).unwrap_err();
        assert!(told.message.contains("3600 s apart"), "{}", told.message);
        assert_eq!(told.causes[0], "the API server says 2026-11-21 04:00:00Z");
        assert_eq!(told.causes[1], "this machine says 2026-11-21 03:00:00Z");
    }
}
