//! Reading a document member by member, so that a fault says where it is.

use serde_json::{Map, Value};

use super::fault;
use crate::verdict::{Failure, Verdict};

/// A value, the place where it stands in its document, and the code of a fault in it.
#[derive(Clone)]
pub(super) struct At<'a> {
    value: &'a Value,
    pointer: String,
    code: &'static str,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(super) const fn top(value: &'a Value) -> Self {
        Self { value, pointer: String::new(), code: "type_metadata_malformed" }
    }

    /// The same value; faults in it have `code`.
    pub(super) fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// A fault here.
    pub(super) fn fault(&self, detail: &str) -> Failure {
        fault(self.code, detail).at(self.pointer.clone())
    }

    pub(super) const fn value(&self) -> &'a Value {
        self.value
    }

    pub(super) fn object(&self) -> Verdict<&'a Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.fault("not an object"))
    }

    /// The member `name` of this object, if it is there. `null` is a value like any other, and of the wrong type.
    pub(super) fn member(&self, name: &str) -> Verdict<Option<At<'a>>> {
        let step = |value| At { value, pointer: format!("{}/{name}", self.pointer), code: self.code };
        Ok(self.object()?.get(name).map(step))
    }

    pub(super) fn required(&self, name: &str) -> Verdict<At<'a>> {
        self.member(name)?.ok_or_else(|| self.fault(&format!("`{name}` is missing")))
    }

    pub(super) fn text(&self) -> Verdict<&'a str> {
        self.value.as_str().ok_or_else(|| self.fault("not a string"))
    }

    /// A string with something in it.
    pub(super) fn name(&self) -> Verdict<&'a str> {
        self.text().and_then(|text| if text.is_empty() { Err(self.fault("empty")) } else { Ok(text) })
    }

    pub(super) fn boolean(&self) -> Verdict<bool> {
        self.value.as_bool().ok_or_else(|| self.fault("not a boolean"))
    }

    pub(super) fn elements(&self) -> Verdict<impl Iterator<Item = At<'a>> + use<'a>> {
        let (pointer, code) = (self.pointer.clone(), self.code);
        let array = self.value.as_array().ok_or_else(|| self.fault("not an array"))?;
        let step = move |(at, value)| At { value, pointer: format!("{pointer}/{at}"), code };
        Ok(array.iter().enumerate().map(step))
    }

    /// The optional text member `name`.
    pub(super) fn optional_text(&self, name: &str) -> Verdict<Option<String>> {
        self.member(name)?.map(|member| member.text().map(str::to_owned)).transpose()
    }

    /// The optional array member `name`, every element read by `read`.
    pub(super) fn optional_list<T>(
        &self,
        name: &str,
        read: impl Fn(At<'a>) -> Verdict<T>,
    ) -> Verdict<Option<Vec<T>>> {
        let Some(list) = self.member(name)? else { return Ok(None) };
        list.elements()?.map(read).collect::<Verdict<_>>().map(Some)
    }
}
