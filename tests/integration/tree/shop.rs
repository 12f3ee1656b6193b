//! The example.

use std::path::Path;

use testbed::shop::Shop;
use testbed::{Outage, Tool};

use super::agent::{deployed, planned, same};

#[tokio::test]
async fn every_app_of_the_shop_is_planned_with_what_the_agent_then_deploys() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let shop = Shop::fill(Outage::start().await.unwrap(), &example).await.unwrap();
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_gitops-dr")).unwrap();
    for (name, value) in shop.outage.environment() {
        tool.set(name, value);
    }
    let runbook = shop.runbook.display().to_string();
    let plan = tool.run(&["plan", &runbook, "--output", "json"]).await.unwrap();
    assert_eq!(plan.code, 0, "{}", plan.said());
    let plan = serde_json::from_str(&plan.out).unwrap();

    let ran = tool.run(&["restore", &runbook, "--deadline", "8m"]).await.unwrap();
    assert_eq!(ran.code, 0, "{}", ran.said());
    let bed = &shop.outage.bed;
    let (planned, deployed) = (planned(bed, &plan).await, deployed(bed).await);
    assert_eq!(planned.len(), 19);
    same(&planned, &deployed);
}
