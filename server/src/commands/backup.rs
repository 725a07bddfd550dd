//! `pixii backup`: backups of single tables by name.

use crate::failure::Result;
use crate::moment::time_text;
use crate::output::Output;
use crate::store::StoreArguments;
use clap::{Args, Subcommand};
use indicatif::{HumanCount, ProgressBar};
use pixii::{BackupDetails, CreateBackupRequest, ListBackupsRequest, RestoreTableFromBackupRequest};
use serde_json::{Value as Json, json};

/// Make, list, restore and delete backups of tables. A backup lives on when its table is gone
#[derive(Args, Debug)]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Make a backup of a table, and print what it is
    Create {
        /// The table's name
        #[arg(long, value_name = "NAME")]
        table: String,
        /// The backup's name
        #[arg(value_name = "BACKUP")]
        name: String,
    },
    /// Print the backups, the oldest first, one a line
    List {
        /// Only those of this table
        #[arg(long, value_name = "NAME")]
        table: Option<String>,
    },
    /// Print what a backup is
    Describe {
        /// The long name that `create` and `list` print
        #[arg(value_name = "ARN")]
        arn: String,
    },
    /// Make a new table of a backup, with its indexes
    Restore {
        /// The long name that `create` and `list` print
        #[arg(value_name = "ARN")]
        arn: String,
        /// The new table's name
        #[arg(long, value_name = "NAME")]
        table: String,
    },
    /// Remove a backup
    Delete {
        /// The long name that `create` and `list` print
        #[arg(value_name = "ARN")]
        arn: String,
    },
}

/// Runs the command.
pub(crate) fn run(arguments: &BackupArguments) -> Result<()> {
    let database = arguments.store.open()?;
    let mut output = Output::new();
    match &arguments.action {
        Action::Create { table, name } => {
            let request = CreateBackupRequest { table_name: table.clone(), backup_name: name.clone() };
            output.text(&told(&database.create_backup(&request)?, table).to_string())?;
        }
        Action::List { table } => {
            let mut request =
                ListBackupsRequest { table_name: table.clone(), ..ListBackupsRequest::default() };
            loop {
                let page = database.list_backups(&request)?;
                for backup in page.backup_summaries {
                    output.text(&told(&backup.backup_details, &backup.table_name).to_string())?;
                }
                request.exclusive_start_backup_arn = page.last_evaluated_backup_arn;
                if request.exclusive_start_backup_arn.is_none() {
                    break;
                }
            }
        }
        Action::Describe { arn } => {
            let found = database.describe_backup(arn)?;
            let mut members = told(&found.backup_details, &found.source_table.table_name);
            if let Some(members) = members.as_object_mut() {
                members.insert("had_stream".to_owned(), found.had_stream.into());
                members.insert("had_time_to_live".to_owned(), found.had_time_to_live.into());
            }
            output.text(&members.to_string())?;
        }
        Action::Restore { arn, table } => {
            let request = RestoreTableFromBackupRequest {
                target_table_name: table.clone(),
                backup_arn: arn.clone(),
                ..RestoreTableFromBackupRequest::default()
            };
            let bar = ProgressBar::new_spinner();
            let mut items = 0;
            let restored = database.restore_table_from_backup(&request, &mut |progress| {
                items = progress.items;
                bar.set_message(format!("{} items", HumanCount(items)));
                bar.tick();
            });
            bar.finish_and_clear();
            let restored = restored?;
            eprintln!("{} items restored into {}", HumanCount(items), restored.name());
        }
        Action::Delete { arn } => {
            let gone = database.delete_backup(arn)?.backup_details;
            eprintln!("the backup {} is deleted", gone.backup_name);
        }
    }
    database.close()?;
    output.flush()
}

fn told(backup: &BackupDetails, table: &str) -> Json {
    json!({
        "backup": backup.backup_name,
        "table": table,
        "made": time_text(backup.backup_creation_millis),
        "bytes": backup.backup_size_bytes,
        "arn": backup.backup_arn,
    })
}
