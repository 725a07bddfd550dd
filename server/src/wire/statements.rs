//! PartiQL: `ExecuteStatement`, `BatchExecuteStatement` and `ExecuteTransaction`.

use super::attributes::{FirstFault, read_item, read_value};
use super::capacity;
use super::choices;
use super::items::{consistency, fault, stored_json};
use super::members::Members;
use super::reader::{Reader, Result as ReadResult, text};
use super::refusal::{Answer, DUPLICATE_ITEM, FAILED, Refusal};
use super::service::Service;
use super::writer::{self, ObjectWriter, write_members};
use crate::json::typed::write_item;
use crate::partiql::fault::StatementFault;
use crate::partiql::parser::{STATEMENT_LENGTH_MAX, parse};
use crate::partiql::plan::{self, Reading};
use crate::partiql::statement::{Select, Statement};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pixii::{
    CancellationCode, ConsumedCapacity, Error, ErrorKind, Fault, Item, Operation, Page, ProjectionExpression,
    ReadOptions, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TableSchema, TokenScope,
    TransactGet, TransactGetRequest, TransactWrite, TransactWriteRequest, Value, WriteFault, WriteOptions,
    WriteOutput,
};

/// A statement with its parameters, as they stand in a request.
#[derive(Debug, Default)]
struct StatementMembers {
    statement: Option<String>,
    parameters: Option<Vec<Value>>,
    values: FirstFault,
    is_consistent: Option<bool>,
    on_failure: Option<String>,
}

impl StatementMembers {
    fn read(&mut self, reader: &mut Reader<'_>, name: &str) -> ReadResult<bool> {
        match name {
            "Statement" => self.statement = reader.owned()?,
            "Parameters" => {
                let values = reader.list(|reader| read_value(reader, &mut self.values))?;
                self.parameters = values
                    .map(|values| values.into_iter().map(|value| value.unwrap_or(Value::Null)).collect());
            }
            "ConsistentRead" => self.is_consistent = reader.boolean()?,
            "ReturnValuesOnConditionCheckFailure" => self.on_failure = reader.owned()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_one(reader: &mut Reader<'_>, shape: &str) -> ReadResult<Self> {
        let mut members = Self::default();
        reader.structure(
            shape,
            |reader, name| {
                if members.read(reader, name)? { Ok(()) } else { reader.skip() }
            },
        )?;
        Ok(members)
    }

    fn check(&self, members: &mut Members, prefix: &str) -> ReturnValuesOnConditionCheckFailure {
        let path = format!("{prefix}statement");
        let statement = members.present(&path, self.statement.as_deref());
        members.length(&path, statement, 1, STATEMENT_LENGTH_MAX);
        members.count(&format!("{prefix}parameters"), self.parameters.as_deref(), 1, usize::MAX);
        let path = format!("{prefix}returnValuesOnConditionCheckFailure");
        choices::on_condition_check_failure(members, &path, self.on_failure.as_deref())
    }

    fn parse(self) -> Result<Statement, Refusal> {
        self.values.check().map_err(|found| StatementFault(found.to_string()))?;
        Ok(parse(&self.statement.unwrap_or_default(), self.parameters.unwrap_or_default())?)
    }
}

/// Most statements of a batch.
const BATCH_MAX: usize = 25;

/// Most statements of a transaction.
const TRANSACTION_MAX: usize = pixii::dynamo::limits::TRANSACTION_ACTIONS_MAX;

/// The operations of statements are none of the library's: what is wrong with their members is told as of a read.
const OPERATION: Operation = Operation::TransactGetItems;

fn schema(service: &Service, operation: Operation, name: &str) -> Result<TableSchema, Error> {
    service.transients.check_items(operation, name)?;
    service.operations.schema(operation, name)
}

/// What stands beside a statement.
#[derive(Debug, Default)]
struct Beside {
    limit: Option<i32>,
    token: Option<String>,
    capacity: ReturnConsumedCapacity,
    on_failure: ReturnValuesOnConditionCheckFailure,
}

/// Answers `ExecuteStatement`.
pub(crate) fn one(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut statement, mut beside, mut capacity) = (StatementMembers::default(), Beside::default(), None);
    reader.structure("ExecuteStatementInput", |reader, name| {
        match name {
            "Limit" => beside.limit = reader.integer()?,
            "NextToken" => beside.token = reader.owned()?,
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ if statement.read(reader, name)? => {}
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    beside.on_failure = statement.check(&mut members, "");
    members.range("limit", beside.limit.map(i64::from), 1, u64::MAX);
    beside.capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    members.finish(OPERATION)?;
    let token_seal = seal(&statement);
    let is_consistent = statement.is_consistent;
    match statement.parse()? {
        Statement::Select(select) => {
            let start = beside.token.as_deref().map(|token| open_token(token, token_seal)).transpose()?;
            let options = ReadOptions {
                limit: beside.limit.and_then(|limit| usize::try_from(limit).ok()),
                exclusive_start_key: start,
                consistency: consistency(is_consistent),
                return_consumed_capacity: beside.capacity,
                ..ReadOptions::default()
            };
            let page = read_page(service, select, options)?;
            Ok(writer::body(|body| {
                body.array("Items", &page.items, |item, buffer| buffer.extend_from_slice(item));
                body.maybe_item("LastEvaluatedKey", page.last_evaluated_key.as_ref());
                let token = page.last_evaluated_key.as_ref().map(|key| make_token(key, token_seal));
                body.maybe_string("NextToken", token.as_deref());
                capacity::write_one(page.consumed_capacity.as_ref(), body);
            }))
        }
        Statement::Exists(_) => {
            Err(StatementFault("EXISTS can be used in a transaction only".to_owned()).into())
        }
        change => {
            let output = write(service, change, &beside)?;
            Ok(writer::body(|body| {
                body.array("Items", &output.attributes, write_item);
                capacity::write_one(output.consumed_capacity.as_ref(), body);
            }))
        }
    }
}

fn read_page(service: &Service, select: Select, options: ReadOptions) -> Result<Page<Vec<u8>>, Refusal> {
    let table = select.table.clone();
    let schema = schema(service, Operation::Query, &table)?;
    Ok(match plan::reading(&schema, select, options)? {
        Reading::Query(query) => service.operations.query(&table, query, stored_json)?,
        Reading::Scan(scan) => service.operations.scan(&table, scan, stored_json)?,
    })
}

/// Does a change of one item.
fn write(service: &Service, change: Statement, beside: &Beside) -> Result<WriteOutput, Refusal> {
    let table = change.table().to_owned();
    let schema = schema(service, Operation::UpdateItem, &table)?;
    let ask = |options: &mut WriteOptions| {
        options.return_consumed_capacity = beside.capacity;
        options.return_values_on_condition_check_failure = beside.on_failure;
    };
    match change {
        Statement::Insert(insert) => {
            let mut request = plan::insert(&schema, insert);
            ask(&mut request.options);
            let written = service.operations.put(&table, &request)?.wait();
            written.map_err(|error| match error.kind() {
                ErrorKind::ConditionalCheckFailed => Refusal::DuplicateItem,
                _ => error.into(),
            })
        }
        Statement::Update(update) => {
            let mut request = plan::update(&schema, update)?;
            ask(&mut request.options);
            Ok(service.operations.update(&table, &request)?.wait()?)
        }
        Statement::Delete(delete) => {
            let mut request = plan::delete(&schema, delete)?;
            ask(&mut request.options);
            Ok(service.operations.delete(&table, &request)?.wait()?)
        }
        Statement::Select(_) | Statement::Exists(_) => {
            Err(StatementFault::malformed("It changes nothing").into())
        }
    }
}

/// What a token is bound to: the statement and its parameters.
fn seal(statement: &StatementMembers) -> u32 {
    let mut text = statement.statement.clone().unwrap_or_default().into_bytes();
    for parameter in statement.parameters.iter().flatten() {
        write_item(&Item::new().with("p", parameter), &mut text);
    }
    crc32fast::hash(&text)
}

/// A token is the seal and the key of the item that was evaluated last.
fn make_token(key: &Item, seal: u32) -> String {
    let mut token = format!("{seal:08x}").into_bytes();
    write_item(key, &mut token);
    URL_SAFE_NO_PAD.encode(token)
}

fn open_token(token: &str, seal: u32) -> Result<Item, Refusal> {
    let key = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (found, key) = bytes.split_at_checked(8)?;
        if found != format!("{seal:08x}").as_bytes() {
            return None;
        }
        let mut values = FirstFault::default();
        let key = read_item(&mut Reader::new(text(key).ok()?), &mut values).ok()??;
        values.check().is_ok().then_some(key)
    };
    key().ok_or_else(|| StatementFault("NextToken does not match request".to_owned()).into())
}

/// Reads the statements of a batch or a transaction, and what else there is.
fn read_list(reader: &mut Reader<'_>, most: usize, shape: &str) -> ReadResult<Option<Vec<StatementMembers>>> {
    reader.list_up_to(most, |reader| StatementMembers::read_one(reader, shape))
}

/// All of a list are reads, or all are changes.
fn check_alike(statements: &[Statement]) -> Result<bool, StatementFault> {
    let reads = statements.iter().filter(|statement| matches!(statement, Statement::Select(_))).count();
    if reads != 0 && reads != statements.len() {
        let message = "Statements must all be reads, or all be writes: they cannot be mixed in one request";
        return Err(StatementFault(message.to_owned()));
    }
    Ok(reads != 0)
}

/// Answers `BatchExecuteStatement`: each statement by itself.
pub(crate) fn batch(service: &Service, reader: &mut Reader<'_>) -> Result<Answer, Refusal> {
    let (mut statements, mut capacity) = (None, None);
    reader.structure("BatchExecuteStatementInput", |reader, name| {
        match name {
            "Statements" => statements = read_list(reader, BATCH_MAX, "BatchStatementRequest")?,
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let statements: Vec<StatementMembers> = members.present("statements", statements).unwrap_or_default();
    members.count("statements", Some(&statements), 1, BATCH_MAX);
    let mut checked = Vec::with_capacity(statements.len());
    for (statement, position) in statements.iter().zip(1..) {
        let prefix = format!("statements.{position}.member.");
        checked.push((statement.check(&mut members, &prefix), statement.is_consistent));
    }
    let capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    members.finish(OPERATION)?;
    let parsed: Vec<Result<Statement, Refusal>> =
        statements.into_iter().map(StatementMembers::parse).collect();
    let right: Vec<Statement> = parsed.iter().filter_map(|parsed| parsed.as_ref().ok().cloned()).collect();
    check_alike(&right)?;
    let mut consumed: Vec<ConsumedCapacity> = Vec::new();
    let mut answers = Vec::with_capacity(parsed.len());
    for (statement, (on_failure, is_consistent)) in parsed.into_iter().zip(checked) {
        let table = statement.as_ref().ok().map(|statement| statement.table().to_owned());
        let beside = Beside { capacity, on_failure, ..Beside::default() };
        let answer = statement.and_then(|statement| one_of_batch(service, statement, &beside, is_consistent));
        let answer = answer.map(|(item, told)| {
            consumed.extend(told);
            item
        });
        answers.push((table, answer));
    }
    let failures = answers.iter().filter_map(|(_, answer)| answer.as_ref().err()?.failure());
    let failures: Vec<String> = failures.collect();
    let body = writer::body(|body| {
        body.objects("Responses", &answers, |(table, answer), object| {
            match answer {
                Ok(item) => {
                    if let Some(item) = item {
                        object.member("Item").extend_from_slice(item);
                    }
                }
                Err(refusal) => object.object("Error", |object| write_error(refusal, object)),
            }
            object.maybe_string("TableName", table.as_deref());
        });
        capacity::write_all(&consumed, body);
    });
    let failure = (!failures.is_empty()).then(|| failures.join("; "));
    Ok(Answer { failure, ..Answer::success(body) })
}

type OneAnswer = (Option<Vec<u8>>, Option<ConsumedCapacity>);

fn one_of_batch(
    service: &Service,
    statement: Statement,
    beside: &Beside,
    is_consistent: Option<bool>,
) -> Result<OneAnswer, Refusal> {
    let Statement::Select(select) = statement else {
        let output = write(service, statement, beside)?;
        let item = output.attributes.map(|attributes| {
            let mut json = Vec::new();
            write_item(&attributes, &mut json);
            json
        });
        return Ok((item, output.consumed_capacity));
    };
    let schema = schema(service, Operation::GetItem, &select.table)?;
    if !plan::has_whole_key(&schema, &select) {
        let message = "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";
        return Err(StatementFault(message.to_owned()).into());
    }
    let options = ReadOptions {
        consistency: consistency(is_consistent),
        return_consumed_capacity: beside.capacity,
        ..ReadOptions::default()
    };
    let page = read_page(service, select, options)?;
    Ok((page.items.into_iter().next(), page.consumed_capacity))
}

/// What is told of a statement of a batch that failed.
fn write_error(refusal: &Refusal, object: &mut ObjectWriter<'_>) {
    let (code, message, item) = match refusal {
        Refusal::Library(error) => {
            let code = match error.kind() {
                ErrorKind::ConditionalCheckFailed => "ConditionalCheckFailed",
                ErrorKind::ResourceNotFound => "ResourceNotFound",
                ErrorKind::TransactionConflict => "TransactionConflict",
                ErrorKind::Validation => "ValidationError",
                _ => "InternalServerError",
            };
            let item = match error.fault() {
                Fault::Write(WriteFault::ConditionFailed { item }) => item.as_deref(),
                _ => None,
            };
            let message = match refusal.failure() {
                None => error.to_string(),
                Some(_) => FAILED.to_owned(),
            };
            (code, message, item)
        }
        Refusal::DuplicateItem => ("DuplicateItem", DUPLICATE_ITEM.to_owned(), None),
        Refusal::Statement(StatementFault(message)) => ("ValidationError", message.clone(), None),
        Refusal::Unreadable(_) | Refusal::UnknownOperation => {
            ("ValidationError", "The statement cannot be read".to_owned(), None)
        }
        Refusal::TooManyRestores { .. } | Refusal::Failed(_) => {
            ("InternalServerError", FAILED.to_owned(), None)
        }
    };
    object.string("Code", code);
    object.maybe_item("Item", item);
    object.string("Message", &message);
}

/// Answers `ExecuteTransaction`.
pub(crate) fn transaction(service: &Service, reader: &mut Reader<'_>) -> Result<Vec<u8>, Refusal> {
    let (mut statements, mut token, mut capacity) = (None, None, None);
    reader.structure("ExecuteTransactionInput", |reader, name| {
        match name {
            "TransactStatements" => {
                statements = read_list(reader, TRANSACTION_MAX, "ParameterizedStatement")?;
            }
            "ClientRequestToken" => token = reader.owned()?,
            "ReturnConsumedCapacity" => capacity = reader.owned()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    let mut members = Members::default();
    let statements: Vec<StatementMembers> =
        members.present("transactStatements", statements).unwrap_or_default();
    members.count("transactStatements", Some(&statements), 1, TRANSACTION_MAX);
    let mut on_failures = Vec::with_capacity(statements.len());
    for (statement, position) in statements.iter().zip(1..) {
        on_failures.push(statement.check(&mut members, &format!("transactStatements.{position}.member.")));
    }
    members.length("clientRequestToken", token.as_deref(), 1, 36);
    let capacity = choices::return_consumed_capacity(&mut members, capacity.as_deref());
    members.finish(OPERATION)?;
    let statements = statements.into_iter().map(StatementMembers::parse).collect::<Result<Vec<_>, _>>()?;
    if check_alike(&statements)? {
        return read_transaction(service, statements, capacity);
    }
    let mut request = TransactWriteRequest {
        client_request_token: token,
        token_scope: TokenScope::Statements,
        return_consumed_capacity: capacity,
        ..TransactWriteRequest::default()
    };
    let mut inserts = Vec::new();
    for (statement, on_failure) in statements.into_iter().zip(on_failures) {
        let table = statement.table().to_owned();
        let schema = schema(service, Operation::TransactWriteItems, &table)?;
        inserts.push(matches!(statement, Statement::Insert(_)));
        request.actions.push((table, action(&schema, statement, on_failure)?));
    }
    let count = request.actions.len();
    let output = service.database.transact_write(&request).map_err(|error| duplicates(error, &inserts))?;
    Ok(writer::body(|body| {
        body.objects("Responses", 0..count, |_, _| {});
        capacity::write_all(&output.consumed_capacity, body);
    }))
}

fn action(
    schema: &TableSchema,
    statement: Statement,
    on_failure: ReturnValuesOnConditionCheckFailure,
) -> Result<TransactWrite, StatementFault> {
    let with = |mut options: WriteOptions| {
        options.return_values_on_condition_check_failure = on_failure;
        WriteOptions { return_values: pixii::ReturnValues::None, ..options }
    };
    Ok(match statement {
        Statement::Insert(insert) => {
            let request = plan::insert(schema, insert);
            TransactWrite::Put(pixii::PutRequest { options: with(request.options), ..request })
        }
        Statement::Update(update) => {
            let request = plan::update(schema, update)?;
            TransactWrite::Update(pixii::UpdateRequest { options: with(request.options), ..request })
        }
        Statement::Delete(delete) => {
            let request = plan::delete(schema, delete)?;
            TransactWrite::Delete(pixii::DeleteRequest { options: with(request.options), ..request })
        }
        Statement::Exists(select) | Statement::Select(select) => {
            let (key, rest) = plan::whole_read(schema, &select)?;
            let condition = rest.ok_or_else(|| {
                StatementFault("EXISTS must have a condition beside the primary key".to_owned())
            })?;
            let options = WriteOptions { condition: Some(condition), ..WriteOptions::default() };
            TransactWrite::ConditionCheck { key, options: with(options) }
        }
    })
}

/// What failed of an insert is told as what it is: there is such an item.
fn duplicates(error: Error, inserts: &[bool]) -> Error {
    let Fault::Write(WriteFault::TransactionCanceled { reasons }) = error.fault() else { return error };
    let mut reasons = reasons.clone();
    for (reason, is_insert) in reasons.iter_mut().zip(inserts) {
        if *is_insert && reason.code == CancellationCode::ConditionalCheckFailed {
            reason.code = CancellationCode::DuplicateItem;
            reason.message = Some(DUPLICATE_ITEM.to_owned());
        }
    }
    fault(Operation::TransactWriteItems, WriteFault::TransactionCanceled { reasons })
}

fn read_transaction(
    service: &Service,
    statements: Vec<Statement>,
    capacity: ReturnConsumedCapacity,
) -> Result<Vec<u8>, Refusal> {
    let mut request =
        TransactGetRequest { return_consumed_capacity: capacity, ..TransactGetRequest::default() };
    for statement in statements {
        let Statement::Select(select) = statement else { continue };
        let schema = schema(service, Operation::TransactGetItems, &select.table)?;
        let (key, rest) = plan::whole_read(&schema, &select)?;
        if rest.is_some() {
            let message = "Select statements within ExecuteTransaction can have the primary key alone in the where clause.";
            return Err(StatementFault(message.to_owned()).into());
        }
        let projection = select.paths.map(|paths| ProjectionExpression { paths });
        request.gets.push(TransactGet { table: select.table, key, projection });
    }
    let output = service.operations.transact_get(&request, stored_json)?;
    Ok(writer::body(|body| {
        body.array("Responses", &output.items, |item, buffer| {
            write_members(buffer, |object| {
                if let Some(item) = item {
                    object.member("Item").extend_from_slice(item);
                }
            });
        });
        capacity::write_all(&output.consumed_capacity, body);
    }))
}
