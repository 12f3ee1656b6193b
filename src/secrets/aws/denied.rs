//! What to grant when something is denied.

use serde_json::json;

/// Returns the statement of an IAM policy that allows some actions.
pub(super) fn statement(actions: &[&str], resource: &str) -> String {
    let actions = match actions {
        [only] => json!(only),
        all => json!(all),
    };
    json!({"Effect": "Allow", "Action": actions, "Resource": resource}).to_string()
}

/// Returns the pattern of the ARNs of a secret: AWS puts six characters behind its name.
pub(super) fn secret(path: &str, region: &str, account: &str) -> String {
    if path.starts_with("arn:") {
        return path.to_owned();
    }
    format!(
        "arn:{}:secretsmanager:{region}:{account}:secret:{path}-??????",
        partition(region)
    )
}

/// Returns the ARN of a key, which a secret names by ARN, by id or by alias; the last is the secret's own business.
pub(super) fn key(key: &str, region: &str, account: &str) -> String {
    if key.starts_with("arn:") {
        return key.to_owned();
    }
    format!("arn:{}:kms:{region}:{account}:key/{key}", partition(region))
}

/// Returns the number of the account that a text of AWS's names; `*`, which stands for any, where it names none.
pub(super) fn account(words: &str) -> &str {
    let arns = words.split_whitespace().filter(|word| word.starts_with("arn:"));
    let mut accounts = arns.filter_map(|arn| arn.split(':').nth(4));
    accounts
        .find(|account| account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or("*")
}

fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_the_one_to_paste() {
        let words = "User: arn:aws:iam::123456789012:user/dr is not authorized to perform: secretsmanager:GetSecretValue on resource: prod/repo";
        let resource = secret("prod/repo", "eu-west-1", account(words));
        assert_eq!(
            statement(&["secretsmanager:GetSecretValue"], &resource),
            r#"{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/repo-??????"}"#
        );
    }

    #[test]
    fn what_is_not_known_stands_for_any_and_an_arn_is_left_as_it_is() {
        assert_eq!(account("Access to KMS is not allowed"), "*");
        assert_eq!(
            secret("a", "cn-north-1", "*"),
            "arn:aws-cn:secretsmanager:cn-north-1:*:secret:a-??????"
        );
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-AbCdEf";
        assert_eq!(secret(arn, "eu-west-1", "*"), arn);
        assert_eq!(
            key("1234", "us-gov-west-1", "*"),
            "arn:aws-us-gov:kms:us-gov-west-1:*:key/1234"
        );
    }
}
