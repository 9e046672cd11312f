//! The network: what was sent, and what goes wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{HttpRequest, HttpResponse, TransportError};

/// Records every request, and loses or replaces some on demand.
#[derive(Default)]
pub struct Network(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    sent: Vec<HttpRequest>,
    lost_requests: Vec<String>,
    lost_answers: Vec<String>,
    instead: Vec<(String, HttpResponse)>,
}

/// Takes the first rule whose text occurs in the URL, and forgets it.
fn take<T>(rules: &mut Vec<T>, url: &str, text: impl Fn(&T) -> &str) -> Option<T> {
    let place = rules.iter().position(|rule| url.contains(text(rule)))?;
    Some(rules.remove(place))
}

impl Network {
    /// The next request whose URL contains `part` does not arrive.
    pub fn lose_request(&self, part: &str) {
        self.inner().lost_requests.push(part.to_owned());
    }

    /// The next request whose URL contains `part` arrives and is acted upon; its answer is lost.
    pub fn lose_answer(&self, part: &str) {
        self.inner().lost_answers.push(part.to_owned());
    }

    /// The next request whose URL contains `part` does not arrive; somebody else answers it.
    pub fn answer_instead(&self, part: &str, response: HttpResponse) {
        self.inner().instead.push((part.to_owned(), response));
    }

    /// Every request so far.
    pub fn sent(&self) -> Vec<HttpRequest> {
        self.inner().sent.clone()
    }

    /// The URLs of every request so far.
    pub fn urls(&self) -> Vec<String> {
        self.inner().sent.iter().map(|request| request.url.clone()).collect()
    }

    /// Forgets what was sent.
    pub fn clear(&self) {
        self.inner().sent.clear();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn before(&self, request: &HttpRequest) -> Result<Option<HttpResponse>, TransportError> {
        let mut inner = self.inner();
        inner.sent.push(request.clone());
        if take(&mut inner.lost_requests, &request.url, String::as_str).is_some() {
            return Err(TransportError("the request was lost".to_owned()));
        }
        Ok(take(&mut inner.instead, &request.url, |(part, _)| part).map(|(_, response)| response))
    }

    pub(super) fn after(&self, request: &HttpRequest) -> Result<(), TransportError> {
        match take(&mut self.inner().lost_answers, &request.url, String::as_str) {
            Some(_) => Err(TransportError("the answer was lost".to_owned())),
            None => Ok(()),
        }
    }
}
