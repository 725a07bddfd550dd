//! Plots as SVG, written by hand: rows of dots on a scale of ratios, and curves on two logarithmic scales.

use std::fmt::Write as _;

/// One workload: the engines by how fast they are beside pixii.
pub struct Row<'a> {
    pub title: &'a str,
    pub relative: Vec<(&'static str, f64)>,
}

/// An engine's figures by the number of items.
pub struct Curve<'a> {
    pub name: &'a str,
    pub points: Vec<(f64, f64)>,
}

/// Distinct on white, also for who sees no red or green (Okabe and Ito), in the order of the engines.
const COLOURS: [&str; 9] =
    ["#000000", "#56b4e9", "#d55e00", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#999999", "#8c510a"];

fn begin(width: f64, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    )
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
    );
}

fn dot(svg: &mut String, x: f64, y: f64, colour: &str, title: &str) {
    let _ = writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\" fill-opacity=\"0.85\"><title>{title}</title></circle>"
    );
}

fn legend(svg: &mut String, left: f64, y: f64, names: &[&str]) {
    for (index, name) in names.iter().enumerate() {
        let x = left + 95.0 * index as f64;
        dot(svg, x, y - 4.0, COLOURS[index % COLOURS.len()], name);
        text(svg, x + 9.0, y, "start", name);
    }
}

/// Dots right of the middle are faster than pixii, those left of it slower.
pub fn ratios(rows: &[Row<'_>], engines: &[&str]) -> String {
    const LEFT: f64 = 420.0;
    const SCALE: f64 = 70.0;
    const DOUBLINGS: f64 = 5.0;
    const ROW: f64 = 22.0;
    let bottom = 60.0 + ROW * rows.len() as f64;
    let middle = LEFT + SCALE * DOUBLINGS;
    let mut svg = begin(middle + SCALE * DOUBLINGS + 30.0, bottom + 20.0);
    legend(&mut svg, 20.0, 20.0, engines);
    for doubling in -5..=5 {
        let x = middle + SCALE * f64::from(doubling);
        line(&mut svg, (x, 48.0), (x, bottom), if doubling == 0 { "#000000" } else { "#dddddd" });
        let label = match doubling {
            0 => "pixii".to_owned(),
            1.. => format!("{}×", 1 << doubling),
            _ => format!("1/{}", 1 << -doubling),
        };
        text(&mut svg, x, 42.0, "middle", &label);
    }
    for (index, row) in rows.iter().enumerate() {
        let y = 64.0 + ROW * index as f64;
        text(&mut svg, LEFT - 12.0, y + 4.0, "end", row.title);
        for (name, relative) in &row.relative {
            let colour = engines.iter().position(|engine| engine == name).unwrap_or(0);
            let x = middle + SCALE * relative.log2().clamp(-DOUBLINGS, DOUBLINGS);
            dot(
                &mut svg,
                x,
                y,
                COLOURS[colour % COLOURS.len()],
                &format!("{name}: {relative:.2} times pixii"),
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Curves over decades.
pub fn curves(title: &str, curves: &[Curve<'_>]) -> String {
    const SIZE: (f64, f64) = (760.0, 320.0);
    const CORNER: (f64, f64) = (70.0, 60.0);
    let points = || curves.iter().flat_map(|curve| curve.points.iter().copied());
    let decades = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) =
            values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let low = low.log10().floor();
        (low, high.log10().ceil().max(low + 1.0))
    };
    let (left, right) = decades(&mut points().map(|(x, _)| x));
    let (bottom, top) = decades(&mut points().map(|(_, y)| y));
    let x_of = |x: f64| CORNER.0 + (x.log10() - left) / (right - left) * SIZE.0;
    let y_of = |y: f64| CORNER.1 + (top - y.log10()) / (top - bottom) * SIZE.1;
    let mut svg = begin(CORNER.0 + SIZE.0 + 30.0, CORNER.1 + SIZE.1 + 40.0);
    let names: Vec<_> = curves.iter().map(|curve| curve.name).collect();
    legend(&mut svg, 20.0, 20.0, &names);
    text(&mut svg, 20.0, 46.0, "start", title);
    for decade in left as i32..=right as i32 {
        let (value, x) = (10_f64.powi(decade), x_of(10_f64.powi(decade)));
        line(&mut svg, (x, CORNER.1), (x, CORNER.1 + SIZE.1), "#dddddd");
        text(&mut svg, x, CORNER.1 + SIZE.1 + 18.0, "middle", &value.to_string());
    }
    for decade in bottom as i32..=top as i32 {
        let (value, y) = (10_f64.powi(decade), y_of(10_f64.powi(decade)));
        line(&mut svg, (CORNER.0, y), (CORNER.0 + SIZE.0, y), "#dddddd");
        text(&mut svg, CORNER.0 - 8.0, y + 4.0, "end", &value.to_string());
    }
    for (index, curve) in curves.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        for pair in curve.points.windows(2) {
            line(&mut svg, (x_of(pair[0].0), y_of(pair[0].1)), (x_of(pair[1].0), y_of(pair[1].1)), colour);
        }
        for &(x, y) in &curve.points {
            dot(&mut svg, x_of(x), y_of(y), colour, &format!("{}: {y:.3}", curve.name));
        }
    }
    svg.push_str("</svg>\n");
    svg
}
