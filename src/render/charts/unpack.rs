//! Unpacks a chart.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

use super::super::turn::Halt;
use super::super::{Error, form, links};

/// How many bytes a chart may have when it is unpacked.
const BYTES: u64 = 100 << 20;
/// How many files a chart may have.
const FILES: usize = 20_000;

/// Unpacks an archive into an empty folder, and returns the chart's own folder in it. An archive that is too large, writes
/// elsewhere or holds a link that leads out is refused.
pub(super) fn unpack(archive: &[u8], into: &Path, halt: &Halt) -> Result<PathBuf, Error> {
    let refused = |why: &str| Error::Refused(format!("the chart's archive {why}"));
    let broken = |error: io::Error| refused(&format!("cannot be unpacked: {error}"));
    let mut left = BYTES;
    let mut later = Vec::new();
    let mut archive = Archive::new(GzDecoder::new(archive));
    for (index, entry) in archive.entries().map_err(broken)?.enumerate() {
        halt.check()?;
        let mut entry = entry.map_err(broken)?;
        if index >= FILES {
            return Err(refused(&format!("holds more than {FILES} files")));
        }
        let path = entry.path().map_err(broken)?.into_owned();
        if !path
            .components()
            .all(|step| matches!(step, Component::Normal(_) | Component::CurDir))
        {
            return Err(refused(&format!("writes to `{}`", path.display())));
        }
        let path = into.join(path);
        match entry.header().entry_type() {
            EntryType::Directory => fs::create_dir_all(&path).map_err(broken)?,
            EntryType::Regular => {
                let mut bytes = Vec::new();
                (&mut entry).take(left + 1).read_to_end(&mut bytes).map_err(broken)?;
                left = left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| refused(&format!("holds more than {} MB", BYTES >> 20)))?;
                fs::create_dir_all(path.parent().unwrap_or(into)).map_err(broken)?;
                fs::write(&path, bytes).map_err(broken)?;
            }
            EntryType::Symlink => {
                if let Some(target) = entry.link_name().map_err(broken)? {
                    later.push((path, target.into_owned()));
                }
            }
            _ => {}
        }
    }
    // Only when all files are there, so that none is written through a link.
    for (path, target) in later {
        fs::create_dir_all(path.parent().unwrap_or(into)).map_err(broken)?;
        std::os::unix::fs::symlink(target, path).map_err(broken)?;
    }
    let folders = fs::read_dir(into)
        .map_err(broken)?
        .filter_map(|entry| Some(entry.ok()?.path()));
    let chart = folders.filter(|folder| folder.join(form::CHART).is_file()).min();
    let chart = chart.ok_or_else(|| refused("holds no Chart.yaml"))?;
    match links::leading_out(&chart, &chart, halt)? {
        Some(link) => Err(refused(&format!("holds the link `{link}`, which leads out of it"))),
        None => Ok(chart),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// Packs files, and links where a text begins with `->`.
    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = Header::new_gnu();
            header.set_mode(0o644);
            if let Some(target) = text.strip_prefix(b"->") {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                let target = std::str::from_utf8(target).unwrap();
                builder.append_link(&mut header, name, target).unwrap();
            } else {
                header.set_size(text.len() as u64);
                // Its own way of setting a name refuses those that a careless program would not.
                header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                builder.append(&header, *text).unwrap();
            }
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&builder.into_inner().unwrap()).unwrap();
        gzip.finish().unwrap()
    }

    fn unpacked(files: &[(&str, &[u8])]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let chart = unpack(&packed(files), folder.path(), &Halt::default()).map_err(|error| error.to_string())?;
        Ok(chart.strip_prefix(folder.path()).unwrap().display().to_string())
    }

    #[test]
    fn a_chart_is_unpacked_in_bounds() {
        let chart: (&str, &[u8]) = ("a/Chart.yaml", b"name: a");
        assert_eq!(unpacked(&[chart, ("a/x", b"->Chart.yaml")]).unwrap(), "a");
        let large = vec![0; (BYTES >> 1) as usize + 1];
        for (files, said) in [
            (vec![("a/x", b"x" as &[u8])], "holds no Chart.yaml"),
            (vec![chart, ("../x", b"x")], "writes to `../x`"),
            (vec![chart, ("/x", b"x")], "writes to `/x`"),
            (vec![chart, ("a/x", b"->/etc/passwd")], "the link `x`"),
            (vec![chart, ("a/x", b"->../../y")], "the link `x`"),
            (vec![chart, ("a/x", &large), ("a/y", &large)], "more than 100 MB"),
        ] {
            let error = unpacked(&files).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let error = unpack(b"no archive", tempfile::tempdir().unwrap().path(), &Halt::default()).unwrap_err();
        assert!(error.to_string().contains("cannot be unpacked"), "{error}");
    }
}
