//! Expressions on the stored bytes of an item of twenty attributes, beside decoding the item.
//!
//! `cargo bench --bench expression`. What an expression costs is to be read as a share of `decode`: that is what it
//! would cost at least if it worked on values.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use criterion::{Criterion, criterion_group, criterion_main};
use pixii::dynamo::encoding::encode_item;
use pixii::dynamo::expression::path::DocumentPath;
use pixii::dynamo::expression::tree::{
    Comparator, Condition, Constant, Operand, ProjectionExpression, SetOperand, SetValue, Update,
    UpdateAction,
};
use pixii::dynamo::stored::StoredItem;
use pixii::{Item, Value};
use std::hint::black_box;

/// Twenty attributes, as services have them: texts, numbers, some nested.
fn item() -> Item {
    let address = Item::new().with("street", "Rue Lepic").with("city", "Paris").with("zip", "75018");
    let mut item = Item::new()
        .with("pk", "user#4711")
        .with("sk", "order#2026-10-03")
        .with("address", address)
        .with("tags", Value::string_set(["red", "green", "blue"]).expect("a set"))
        .with("history", (0..5).map(Value::from).collect::<Vec<_>>());
    for number in 0..15 {
        let value =
            if number % 2 == 0 { Value::from(number * 1001) } else { "some text of a usual length".into() };
        item.insert(format!("attribute{number:02}"), value);
    }
    item
}

fn at(name: &str) -> DocumentPath {
    DocumentPath::attribute(name)
}

fn expressions(criterion: &mut Criterion) {
    let key = Item::new().with("pk", "user#4711").with("sk", "order#2026-10-03");
    let mut bytes = Vec::new();
    encode_item(&item(), &mut bytes);
    let stored = || StoredItem::parse(black_box(&bytes)).expect("it was just encoded");
    let mut group = criterion.benchmark_group("expression");
    group.bench_function("decode", |bencher| bencher.iter(|| stored().to_item()));

    let condition = Condition::And(vec![
        Condition::AttributeExists(at("pk")),
        Condition::Compare {
            left: Operand::Path(at("attribute06")),
            comparator: Comparator::GreaterOrEqual,
            right: Operand::Value(Constant::new(6000)),
        },
        Condition::Contains {
            operand: Operand::Path(at("tags")),
            member: Operand::Value(Constant::new("green")),
        },
    ]);
    assert_eq!(condition.matches(Some(&stored())), Ok(true));
    group.bench_function("condition of three parts", |bencher| {
        bencher.iter(|| condition.matches(Some(&stored())));
    });

    let paths = vec![at("pk"), at("attribute03"), at("address").member("city")];
    let projection = ProjectionExpression { paths }.prepare();
    let mut projected = Vec::new();
    group.bench_function("projection of three", |bencher| {
        bencher.iter(|| {
            projected.clear();
            projection.project(&stored(), &mut projected)
        });
    });

    let set = UpdateAction::Set {
        path: at("attribute04"),
        value: SetValue::Operand(SetOperand::Value(Constant::new("changed"))),
    };
    let add = UpdateAction::Add { path: at("attribute06"), value: Constant::new(1) };
    for (name, action) in [("update, set of one", set), ("update, add to one", add)] {
        let update = Update { actions: vec![action] };
        group.bench_function(name, |bencher| bencher.iter(|| update.apply(Some(&stored()), &key)));
    }
    group.finish();
}

criterion_group!(benches, expressions);
criterion_main!(benches);
