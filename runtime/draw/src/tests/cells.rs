//! Cells and their nodes as diagrams.

use super::*;

#[test]
fn cells_are_drawn_once_and_as_decided() {
    let graph = cells();
    for genome in genomes(&graph, 0, 40) {
        let diagrams = layers(&graph, &genome);
        let titles: Vec<&str> = diagrams
            .iter()
            .map(|diagram| diagram.title.as_str())
            .collect();
        assert_eq!(titles, ["layers", "normal cell", "reduce cell"]);
        let folded: Vec<&str> = diagrams[0]
            .blocks
            .iter()
            .map(|block| block.rows[0].label.as_str())
            .collect();
        assert_eq!(
            folded[2..7],
            [
                "normal cell × 2",
                "reduce cell",
                "normal cell × 2",
                "reduce cell",
                "normal cell × 2"
            ]
        );
        for (kind, diagram) in ["normal", "reduce"].iter().zip(&diagrams[1..]) {
            let choice = |id: String| {
                let d = graph
                    .space()
                    .decisions
                    .iter()
                    .position(|decision| decision.id == id)
                    .expect("the decision exists");
                graph.space().decisions[d]
                    .kind
                    .label(genome[d])
                    .expect("the choice exists")
            };
            for (b, block) in diagram
                .blocks
                .iter()
                .enumerate()
                .filter(|(_, block)| block.rows.len() > 1)
            {
                for (r, (row, side)) in block.rows.iter().zip(["x", "y"]).enumerate() {
                    let id = format!("{kind}.{}.{side}", block.name);
                    assert_eq!(row.label, crate::words::choice(&choice(format!("{id}.op"))));
                    let reads: Vec<_> = diagram
                        .edges
                        .iter()
                        .filter(|edge| edge.to == b && edge.row == r)
                        .collect();
                    let [edge] = reads[..] else {
                        panic!("{id} reads {} values", reads.len())
                    };
                    let from = choice(format!("{id}.in"));
                    let source = &diagram.blocks[edge.from];
                    let expected = match from.rsplit('.').next() {
                        // Both inputs of a reduction cell are the previous layer, halved in two
                        // ways.
                        Some("in0") if *kind == "normal" => "layer two back",
                        Some("in0" | "in1") => "previous layer",
                        other => other.expect("a name"),
                    };
                    assert_eq!(
                        if source.name.is_empty() {
                            &source.rows[0].label
                        } else {
                            &source.name
                        },
                        expected
                    );
                }
            }
            assert_eq!(
                diagram
                    .blocks
                    .iter()
                    .filter(|block| block.rows.len() == 2)
                    .count(),
                5
            );
        }
    }
}

#[test]
fn published_cells_have_the_ops_and_inputs_of_their_genotypes() {
    for name in ["darts-v1", "darts-v2", "nasnet-a", "amoebanet-a"] {
        let published = Published::find(name).expect("it comes along");
        let genotype: Genotype = published.notation.parse().expect("it is a genotype");
        let diagrams = layers(&space_of(&published), &published.genome);
        let titles: Vec<&str> = diagrams
            .iter()
            .map(|diagram| diagram.title.as_str())
            .collect();
        assert_eq!(titles, ["layers", "normal cell", "reduce cell"]);
        for (diagram, cell) in diagrams[1..]
            .iter()
            .zip([&genotype.normal, &genotype.reduce])
        {
            let names = [
                "layer two back",
                "previous layer",
                "n0",
                "n1",
                "n2",
                "n3",
                "n4",
            ];
            let called = |b: usize| {
                let block = &diagram.blocks[b];
                if block.name.is_empty() {
                    block.rows[0].label.clone()
                } else {
                    block.name.clone()
                }
            };
            let mut wanted: Vec<(String, String, String)> = Vec::new();
            for (i, (op, value)) in cell.pairs.iter().enumerate() {
                wanted.push((
                    names[i / 2 + 2].into(),
                    crate::words::choice(op),
                    names[*value as usize].into(),
                ));
            }
            let several = diagram
                .edges
                .iter()
                .filter(|edge| diagram.blocks[edge.to].rows.len() > 1);
            let label =
                |edge: &crate::diagram::Edge| diagram.blocks[edge.to].rows[edge.row].label.clone();
            let mut drawn: Vec<_> = several
                .map(|edge| (called(edge.to), label(edge), called(edge.from)))
                .collect();
            wanted.sort();
            drawn.sort();
            assert_eq!(drawn, wanted, "{name}");
            let joined: BTreeSet<String> = diagram
                .edges
                .iter()
                .filter(|edge| called(edge.to) == "concatenation")
                .map(|edge| called(edge.from))
                .collect();
            assert_eq!(
                joined,
                cell.concat
                    .iter()
                    .map(|value| names[*value as usize].to_owned())
                    .collect(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_recurrent_cell_shows_its_nodes() {
    let graph = recurrent();
    let genome = vec![0; graph.genome_len()];
    let diagrams = layers(&graph, &genome);
    let [network, cell] = &diagrams[..] else {
        panic!("two columns")
    };
    assert_eq!(network.blocks[2].note, "time×16");
    let named: Vec<&str> = cell
        .blocks
        .iter()
        .map(|block| block.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(named, ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"]);
    // All nodes read the first, so all others are loose ends, which the mean reads.
    let mean = cell.blocks.len() - 1;
    assert_eq!(cell.edges.iter().filter(|edge| edge.to == mean).count(), 7);
}
