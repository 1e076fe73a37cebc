//! Reading of tables, and errors in them.

use std::time::Instant;

use super::*;

#[test]
fn csv_and_json_hold_the_same_table_whatever_its_keys() {
    let table = table();
    assert_eq!(
        (table.len(), table.percent(), table.is_empty()),
        (125, true, false)
    );
    assert_eq!(
        table.query(&[3, 1, 4]).unwrap(),
        Entry {
            reward: 89.8,
            report: 93.0
        }
    );
    assert_eq!(
        (table.rank(93.0), table.rank(87.5), table.rank(0.0)),
        (1, 2, 126)
    );
    let genomes = || space().enumerate(1000).unwrap().collect::<Vec<_>>();
    let row = |genome: &Genome, key: String| {
        format!(
            "{key}{{\"valid\": {}, \"test\": {}",
            value(genome).0,
            value(genome).1
        )
    };
    let keyed: Vec<String> = genomes()
        .iter()
        .map(|g| format!("{}}}", row(g, format!("\"{}{}{}\": ", g[0], g[1], g[2]))))
        .collect();
    let listed: Vec<String> = genomes()
        .iter()
        .map(|g| format!("{}, \"genome\": {g:?}}}", row(g, String::new())))
        .collect();
    for text in [
        format!("{{{}}}", keyed.join(",")),
        format!("\u{feff} [{}]", listed.join(",\n")),
    ] {
        let other = Table::parse("toy", &text, &columns(), &space()).unwrap();
        assert_eq!(
            (other.rows, other.ranked),
            (table.rows.clone(), table.ranked.clone())
        );
    }
    let odd = format!(
        "\u{feff}{}",
        csv()
            .replace('\n', "\r\n\r\n")
            .replace("|none~0|", "\"|none~0|\"")
    );
    let odd = Table::parse(
        "odd",
        &odd.replace("\"|none~0|\"+", "|none~0|+"),
        &columns(),
        &space(),
    )
    .unwrap();
    assert_eq!(odd.rows, table.rows);
    let named = Columns {
        key: Some("cell".to_owned()),
        report: None,
        ..columns()
    };
    let named = Table::parse("toy.csv", &csv(), &named, &space()).unwrap();
    assert_eq!(
        (named.report(), named.query(&[0, 0, 0]).unwrap().report),
        ("valid", value(&[0, 0, 0]).0)
    );
}

#[test]
fn mistakes_get_sentences() {
    let with = |key: Option<&str>, reward: &str| Columns {
        key: key.map(str::to_owned),
        reward: reward.to_owned(),
        report: None,
    };
    let said = |text: &str, columns: &Columns| refused("t.csv", text, columns);
    assert_eq!(
        said(&csv(), &with(None, "vaild")),
        "cannot use the table t.csv: it has no column `vaild`; the nearest is `valid`; its columns are `arch`, `cell`, \
         `valid`, `test`"
    );
    assert!(
        said(&csv(), &with(Some("cel"), "valid"))
            .contains("no column `cel`; the nearest is `cell`")
    );
    let key = said(&csv(), &with(Some("arch"), "valid"));
    assert!(
        key.contains(
            "line 2 has `0` where a genome should be: 3 numbers, one per decision (the first, `a`, from 0 to 4)"
        ),
        "{key}"
    );
    let none = said("x,valid\nfoo,1\n", &with(None, "valid"));
    assert!(
        none.contains("none of its columns (`x`, `valid`) has genomes in all rows"),
        "{none}"
    );
    let wrong = said("g,valid\n000,1\n\n005,1\n", &with(Some("g"), "valid"));
    assert!(
        wrong.contains("line 4 has `005` where a genome should be"),
        "{wrong}"
    );
    for (cell, shown) in [
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e39", "1e39"),
        ("", ""),
        ("high", "high"),
    ] {
        let said = said(
            &format!("g,valid\n000,1\n001,{cell}\n"),
            &with(None, "valid"),
        );
        assert!(
            said.contains(&format!(
                "line 3 has `{shown}` in the column `valid`, and it must be a number"
            )),
            "{said}"
        );
    }
    let twice = said("g,valid\n000,1\n0 0 1,2\n", &with(None, "valid"));
    assert!(twice.contains("none of its columns"), "{twice}");
    let twice = said("g,valid\n000,1\n001,2\n000,3\n", &with(None, "valid"));
    assert!(
        twice.contains(
            "line 2 and line 4 are both about the genome [0, 0, 0], and differ: `valid` is 1 and 3"
        ),
        "{twice}"
    );
    assert!(said("g,v,v\n000,1,2\n", &with(None, "v")).contains("two columns `v`"));
    assert!(said("g,v\n", &with(None, "v")).contains("it has no rows"));
    let json = refused("t.json", "{\"00x\": {\"v\": 1}}", &with(None, "v"));
    assert!(
        json.contains("entry 1 has `00x` where a genome should be"),
        "{json}"
    );
    let twice = refused(
        "t.json",
        "{\"000\": {\"v\": 1}, \"000\": {\"v\": 2}}",
        &with(None, "v"),
    );
    assert!(
        twice.contains("entry 1 and entry 2 are both about"),
        "{twice}"
    );
    assert!(refused("t.json", "g,v\n", &with(None, "v")).contains("not valid JSON"));
    // Equal duplicates are not a contradiction.
    let same = "g,v\n000,0.5\n001,0.25\n000,0.5\n";
    let same = Table::parse("t.csv", same, &with(None, "v"), &space()).unwrap();
    assert_eq!((same.len(), same.percent()), (2, false));
    let lacks = same.query(&[0, 1, 2]).unwrap_err().to_string();
    assert!(
        lacks.starts_with("the table t.csv has no row for the genome [0, 1, 2]"),
        "{lacks}"
    );
    assert!(
        same.query(&[0, 1])
            .unwrap_err()
            .to_string()
            .contains("has 3 numbers")
    );
    let missing = Table::open("nowhere.csv".as_ref(), &columns(), &space())
        .unwrap_err()
        .to_string();
    assert!(
        missing.starts_with("cannot use the table nowhere.csv: "),
        "{missing}"
    );
    let folder = Table::open(".".as_ref(), &columns(), &space())
        .unwrap_err()
        .to_string();
    assert!(folder.contains("it is not a file"), "{folder}");
}

#[test]
fn constraints_leave_rows_out() {
    let guarded = test_spaces::guarded();
    let all: Vec<String> = guarded
        .enumerate(1000)
        .unwrap()
        .map(|g| format!("{g:?}").replace(',', ""))
        .collect();
    let text = format!("g,v\n{},0.5\n0 2 0 0 0 0,0.7\n", all.join(",0.5\n"));
    let columns = Columns {
        key: None,
        reward: "v".to_owned(),
        report: None,
    };
    assert_eq!(
        Table::parse("t", &text, &columns, &guarded).unwrap().len(),
        all.len()
    );
    let said = Table::parse("t", "g,v\n0 2 0 0 0 0,0.7\n", &columns, &guarded)
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("all of its 1 rows") && said.contains("must not start with z"),
        "{said}"
    );
}

#[test]
fn a_genome_without_a_row_has_that_of_its_child_unless_rows_differ() {
    // No node of the toy space depends on a decision: all genomes have the same child.
    let columns = Columns {
        key: None,
        reward: "v".to_owned(),
        report: None,
    };
    let table = |text| Table::parse("t", text, &columns, &space()).unwrap();
    assert_eq!(
        table("g,v\n001,0.5\n002,0.5\n")
            .query(&[4, 4, 4])
            .unwrap()
            .reward,
        0.5
    );
    assert!(
        table("g,v\n001,0.5\n002,0.6\n003,0.5\n")
            .query(&[4, 4, 4])
            .is_err()
    );
}

#[test]
fn a_large_table_is_read_at_once() {
    let ids = ["a", "b", "c", "d", "e", "f"];
    let decisions = ids.map(|id| test_spaces::op(id, &OPS)).to_vec();
    let plan = ids
        .map(|id| test_spaces::step(&[id.to_owned()], None))
        .to_vec();
    let space = test_spaces::space(decisions, plan, vec![]);
    let mut text = "arch,cell,valid,u,v,w,x,y,z\n".to_owned();
    for (i, g) in space.enumerate(20_000).unwrap().enumerate() {
        let cell: Vec<String> = g
            .iter()
            .map(|c| format!("|{}~{}|", OPS[*c as usize], i % 3))
            .collect();
        writeln!(
            text,
            "{i},{},{:.4},1.25,2.5,3.75,4.5,5.5,6.5",
            cell.join("+"),
            50.0 + (i % 400) as f64 / 10.0
        )
        .unwrap();
    }
    let columns = Columns {
        report: None,
        ..columns()
    };
    let began = Instant::now();
    assert_eq!(
        Table::parse("t.csv", &text, &columns, &space)
            .unwrap()
            .len(),
        15_625
    );
    // Ten times the duration on an idle machine.
    assert!(began.elapsed().as_secs_f64() < 1.0, "{:?}", began.elapsed());
}
