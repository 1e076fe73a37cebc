//! Both flavours of the tokio runtime, and no runtime.

use supernet::{Config, Search};

#[tokio::test(flavor = "current_thread")]
async fn in_tokio_of_one_thread() {
    let (found, epochs) = outside::search().await.unwrap();
    assert_eq!((found.top.is_empty(), epochs), (false, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_tokio_of_several_threads() {
    let (one, two) = tokio::join!(tokio::spawn(outside::search()), tokio::spawn(outside::search()));
    let ((one, _), (two, _)) = (one.unwrap().unwrap(), two.unwrap().unwrap());
    assert_eq!(one.top, two.top);
}

#[test]
fn in_a_plain_main() {
    let settings = ["search.epochs=1", "space.layers=2", "derive.candidates=3", "derive.report=3"];
    let run = Search::builder().config(Config::read("", &settings).unwrap()).threads(1).start().unwrap();
    assert!(run.wait().unwrap().result().is_some());
}
