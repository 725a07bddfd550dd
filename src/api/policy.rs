//! Policies of tables, kept and told.

use super::database::Database;
use crate::dynamo::error::Result;
use crate::dynamo::policies::PutResourcePolicyRequest;

impl Database {
    /// Puts a policy on a table, durably, and tells its revision. Whoever has opened a database may do everything with it:
    /// policies are kept, and are told to those who ask, and that is all.
    ///
    /// ```
    /// use pixii::{Database, KeyType, PutResourcePolicyRequest, TableSchema};
    ///
    /// let database = Database::in_memory()?;
    /// database.create_table(TableSchema::builder("Notes").partition_key("id", KeyType::Number).build()?)?;
    /// let arn = database.describe_table("Notes")?.table_arn;
    /// let request = PutResourcePolicyRequest {
    ///     resource_arn: arn.clone(),
    ///     policy: r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
    ///     expected_revision_id: Some("NO_POLICY".to_owned()),
    /// };
    /// let revision = database.put_resource_policy(&request)?;
    /// assert_eq!(database.get_resource_policy(&arn)?, (request.policy, revision.clone()));
    /// assert_eq!(database.delete_resource_policy(&arn, Some(&revision))?, Some(revision));
    /// # Ok::<(), pixii::Error>(())
    /// ```
    pub fn put_resource_policy(&self, request: &PutResourcePolicyRequest) -> Result<String> {
        self.store().catalog.put_resource_policy(&self.store().engine, request)
    }

    /// A table's policy and its revision.
    pub fn get_resource_policy(&self, resource_arn: &str) -> Result<(String, String)> {
        self.store().catalog.get_resource_policy(resource_arn)
    }

    /// Takes a table's policy away, durably, if it has the revision that is expected. Tells the revision that it had;
    /// nothing, if there was none.
    pub fn delete_resource_policy(
        &self,
        resource_arn: &str,
        expected_revision_id: Option<&str>,
    ) -> Result<Option<String>> {
        let store = self.store();
        store.catalog.delete_resource_policy(&store.engine, resource_arn, expected_revision_id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::Database;
    use super::*;
    use crate::dynamo::error::ErrorKind;
    use crate::dynamo::key::KeyType;
    use crate::dynamo::schema::TableSchema;

    fn request(arn: &str, policy: &str, expected: Option<&str>) -> PutResourcePolicyRequest {
        PutResourcePolicyRequest {
            resource_arn: arn.to_owned(),
            policy: policy.to_owned(),
            expected_revision_id: expected.map(str::to_owned),
        }
    }

    fn create(database: &Database) -> String {
        let schema = TableSchema::builder("Notes").partition_key("id", KeyType::Number).build();
        database.create_table(schema.expect("a schema")).expect("a new table");
        database.describe_table("Notes").expect("it is there").table_arn
    }

    #[test]
    fn a_revision_names_a_text_and_what_is_not_expected_changes_nothing() {
        let database = Database::in_memory().expect("a database");
        let arn = create(&database);
        let put = |policy: &str, expected| database.put_resource_policy(&request(&arn, policy, expected));
        let kind = |result: Result<String>| result.map_err(|error| error.kind());
        let not_found = Err(ErrorKind::PolicyNotFound);

        assert_eq!(kind(put("{}", Some("1"))), not_found);
        let first = put("{}", Some("NO_POLICY")).expect("there is none");
        assert_eq!(kind(put("{}", None)), Ok(first.clone()));
        assert_eq!(kind(put("[]", Some("NO_POLICY"))), not_found);
        let second = put("{ }", Some(&first)).expect("the first is there");
        let number = |revision: &str| revision.parse::<u64>().expect("a number");
        assert!(number(&first) < number(&second));
        assert_eq!(kind(put("{}", Some(&first))), not_found);
        let (policy, revision) = database.get_resource_policy(&arn).expect("there is one");
        assert_eq!((policy.as_str(), &revision), ("{ }", &second));

        let delete = |expected| database.delete_resource_policy(&arn, expected).map_err(|error| error.kind());
        assert_eq!(delete(Some(&first)), Err(ErrorKind::PolicyNotFound));
        assert_eq!(delete(Some(&second)), Ok(Some(second.clone())));
        assert_eq!(delete(None), Ok(None));
        assert_eq!(delete(Some(&second)), Err(ErrorKind::PolicyNotFound));
        let got = database.get_resource_policy(&arn).map_err(|error| error.kind());
        assert_eq!(got, Err(ErrorKind::PolicyNotFound));
    }

    #[test]
    fn policies_are_bounded_and_outlive_the_process_but_not_the_table() {
        let directory = tempfile::tempdir().expect("a directory");
        let database = Database::open(directory.path()).expect("a new database");
        let arn = create(&database);
        for length in [0, 20 * 1024 + 1] {
            let refused = database.put_resource_policy(&request(&arn, &" ".repeat(length), None));
            assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::Validation));
        }
        let longest = " ".repeat(20 * 1024);
        let revision = database.put_resource_policy(&request(&arn, &longest, None)).expect("it fits");
        database.close().expect("an end");
        drop(database);
        let database = Database::open(directory.path()).expect("a database");
        assert!(database.get_resource_policy(&arn).is_ok_and(|got| got == (longest, revision)));
        database.delete_table("Notes").expect("it is there");
        let missing = database.get_resource_policy(&arn).map_err(|error| error.to_string());
        assert_eq!(missing, Err(format!("Requested resource not found: ResourceArn: {arn} not found")));
        let arn = create(&database);
        assert!(
            database.get_resource_policy(&arn).is_err_and(|error| error.kind() == ErrorKind::PolicyNotFound)
        );
    }
}
