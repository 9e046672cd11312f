//! The real binary as a child process: started, listened to, stopped, killed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::wait;

/// The path of the `enishi` binary: `ENISHI_BIN`, or beside the running test in the build directory.
///
/// Cargo tells only the tests of a binary's own package where the binary is, and builds it only for them; so it has to
/// have been built before (`cargo xtask test` does).
///
/// # Panics
/// If there is no such file.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("ENISHI_BIN").map_or_else(beside_this_test, PathBuf::from);
    assert!(
        path.is_file(),
        "{} does not exist: build it first (`cargo build --package enishi-cli`), or name one in ENISHI_BIN",
        path.display()
    );
    path
}

fn beside_this_test() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let mut dir = test.parent().expect("a program lies in a folder");
    if dir.ends_with("deps") {
        dir = dir.parent().expect("deps lies in the profile's folder");
    }
    dir.join("enishi").with_extension(std::env::consts::EXE_EXTENSION)
}

const GRANDCHILDREN: Duration = Duration::from_secs(1);

/// A running child process whose output is collected. It is killed when dropped.
pub struct Enishi {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<thread::JoinHandle<()>>,
    ended: Option<Instant>,
}

impl Enishi {
    /// Starts the binary with these arguments and the environment of the test.
    ///
    /// # Panics
    /// If the binary is missing or cannot be started.
    pub fn start<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(binary());
        command.args(args);
        Self::spawn(command)
    }

    /// Starts any command: the binary in another folder or environment, or a peer's script.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
        let lines = Arc::default();
        let out = child.stdout.take().map(|stream| collect(stream, &lines));
        let err = child.stderr.take().map(|stream| collect(stream, &lines));
        Self { child, lines, readers: out.into_iter().chain(err).collect(), ended: None }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Every line the process has written so far, to standard output or standard error.
    pub fn output(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every line so far that is a JSON object.
    pub fn json_lines(&self) -> Vec<Value> {
        self.output()
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(Value::is_object)
            .collect()
    }

    /// Waits for the first JSON line that `wanted` accepts, also one that was written before; `what` names it when it
    /// does not come.
    ///
    /// # Panics
    /// If the process ends first or the time is over; both with its output.
    pub async fn line(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = wait::until(what, || {
            // Whether it has ended is asked before the lines are read: so its last words are always heard.
            let ended = self.has_ended();
            let line = self.json_lines().into_iter().find(&wanted);
            let answer = line.map(Ok).or_else(|| ended.map(Err));
            async move { answer }
        })
        .await;
        found.unwrap_or_else(|status| {
            panic!("ended with {status} before: {what}\n{}", self.output().join("\n"))
        })
    }

    /// Asks the process to stop as an operator would (SIGTERM), and waits for its end.
    ///
    /// # Panics
    /// If it does not end within `time`.
    #[cfg(unix)]
    pub async fn terminate(&mut self, time: Duration) -> ExitStatus {
        let sent = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "no signal could be sent");
        self.ended(time).await
    }

    /// Waits for the process to end by itself. All of its output is collected then.
    ///
    /// # Panics
    /// If it does not end within `time`.
    pub async fn ended(&mut self, time: Duration) -> ExitStatus {
        wait::within(time, "the process ends", || {
            let status = self.has_ended();
            async move { status }
        })
        .await
    }

    /// Kills the process where it stands (SIGKILL): no clean-up, no flush. For tests of what survives a crash.
    pub fn kill(&mut self) {
        // An error here means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended and its last words are heard. A grandchild may hold its streams open for longer; what that
    /// one says is waited for only a little.
    fn has_ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("a child can be asked for its state")?;
        let ended = *self.ended.get_or_insert_with(Instant::now);
        let heard = self.readers.iter().all(thread::JoinHandle::is_finished);
        (heard || ended.elapsed() > GRANDCHILDREN).then_some(status)
    }
}

impl Drop for Enishi {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            println!("output of process {}:\n{}", self.id(), self.output().join("\n"));
        }
    }
}

fn collect(stream: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) -> thread::JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Enishi {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Enishi::spawn(command)
    }

    #[tokio::test]
    async fn a_json_line_is_found_among_others_on_either_stream() {
        let mut child = shell(r#"echo hello; echo '{"n":1}'; echo '{"n":2}' >&2; exec sleep 100"#);
        assert_eq!(child.line("n is 2", |line| line["n"] == 2).await["n"], 2);
        assert_eq!(child.line("n is 1", |line| line["n"] == 1).await["n"], 1);
        child.kill();
        assert!(!child.ended(wait::PATIENCE).await.success());
    }

    #[tokio::test]
    async fn a_grandchild_that_lives_on_does_not_hold_up_the_end() {
        let mut child = shell("sleep 45 & exit 3");
        assert_eq!(child.ended(Duration::from_secs(30)).await.code(), Some(3));
    }

    #[tokio::test]
    async fn last_words_are_heard() {
        let mut child = shell(r#"echo '{"n":1}'"#);
        assert!(child.ended(wait::PATIENCE).await.success());
        assert_eq!(child.output(), [r#"{"n":1}"#]);
        assert_eq!(child.line("n is 1", |line| line["n"] == 1).await["n"], 1);
    }

    #[tokio::test]
    #[should_panic(expected = "before: a line that never comes")]
    async fn a_process_that_ends_first_fails_at_once() {
        shell("echo goodbye").line("a line that never comes", |_| true).await;
    }

    #[tokio::test]
    async fn a_process_can_be_asked_to_stop() {
        let mut child = shell(r#"trap 'exit 7' TERM; echo '{"ready":true}'; while :; do sleep 0.01; done"#);
        child.line("ready", |line| line["ready"] == true).await;
        assert_eq!(child.terminate(wait::PATIENCE).await.code(), Some(7));
    }
}
