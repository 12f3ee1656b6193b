//! How a program that is to run looks in a log.

use std::ffi::OsStr;
use std::fmt;

use super::Exec;
use crate::redact::MASK;

/// Without what it is given on standard input and in its variables: both may hold what it logs in with.
impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let env: Vec<(&OsStr, &str)> = self.env.iter().map(|(name, _)| (name.as_os_str(), MASK)).collect();
        f.debug_struct("Exec")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &env)
            .field("directory", &self.directory)
            .field("stdin", &MASK)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;

    #[test]
    fn a_program_to_run_prints_neither_its_variables_nor_its_input() {
        let exec = Exec::new("sh", &Redactor::default())
            .args(["-c", "cat"])
            .env("TOKEN", "hunter2hunter2")
            .stdin("hunter2hunter2");
        let printed = format!("{exec:?} {exec:#?}");
        assert!(printed.contains("TOKEN") && printed.contains("cat"), "{printed}");
        // Bytes are printed as numbers.
        assert!(!printed.contains("hunter2") && !printed.contains("104"), "{printed}");
    }
}
