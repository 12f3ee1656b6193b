//! The example, as the demo restores it.

use std::path::Path;

use testbed::shop::{SECRETS, Shop};
use testbed::{Outage, Tool};

#[tokio::test]
async fn the_shop_is_back() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let shop = Shop::fill(Outage::start().await.unwrap(), &example).await.unwrap();
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
    for (name, value) in shop.outage.environment() {
        tool.set(name, value);
    }
    let runbook = shop.runbook.display().to_string();
    let plan = tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    assert_eq!(plan.code, 0, "{}", plan.said());
    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let planned: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        planned,
        [
            "interlock",
            "ground",
            "credentials",
            "agent",
            "preload",
            "root/infra",
            "root/apps",
            "apps",
            "release"
        ]
    );

    let ran = tool.run(&["restore", &runbook, "--deadline", "8m"]).await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    assert!(ran.err.contains("20 apps Synced and Healthy"), "{}", ran.said());
    for (name, value) in SECRETS {
        assert!(!ran.said().contains(value), "the secret {name} was printed");
    }
}
