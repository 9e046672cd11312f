//! `requested → presented → active ⇄ suspended → withdrawn | expired | revoked | completed | superseded`; also
//! `declined`, `lapsed`, `failed`. Terminal states are final.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::notice::NoticeEvent;

/// Where a grant stands (linkage protocol §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The SP asked; nobody answered yet.
    Requested,
    /// A wallet answered; the answer is being checked.
    Presented,
    /// The consent is given: links may be minted.
    Active,
    /// Paused, by the holder or because a declaration expired: no links until resumed.
    Suspended,
    /// The consent was withdrawn. Final.
    Withdrawn,
    /// The consent's time is over. Final.
    Expired,
    /// An authority or the issuer ended it. Final.
    Revoked,
    /// Everything that the consent allowed was fetched. Final.
    Completed,
    /// A newer grant took its place. Final.
    Superseded,
    /// The wallet refused. Final.
    Declined,
    /// Nobody answered in time. Final.
    Lapsed,
    /// The answer did not pass the checks. Final.
    Failed,
}

/// What happens to a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// A wallet answered the request.
    Present,
    /// Every check of linkage protocol §7 held.
    Activate,
    /// The wallet refused.
    Decline,
    /// The request's time is over without an answer.
    Lapse,
    /// A check did not hold.
    Fail,
    /// Pause.
    Suspend,
    /// End of a pause.
    Resume,
    /// Withdrawal by the holder, the SP, the DP or an authority.
    Withdraw,
    /// The consent's time is over.
    Expire,
    /// The end, by the issuer or an authority.
    Revoke,
    /// Everything that was allowed was fetched.
    Complete,
    /// A newer grant takes its place.
    Supersede,
}

/// Something that cannot happen to a grant in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a grant that is {state} cannot {event:?}")]
pub struct TransitionError {
    /// The state.
    pub state: State,
    /// What should have happened.
    pub event: Event,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 12] = [
        Self::Requested,
        Self::Presented,
        Self::Active,
        Self::Suspended,
        Self::Withdrawn,
        Self::Expired,
        Self::Revoked,
        Self::Completed,
        Self::Superseded,
        Self::Declined,
        Self::Lapsed,
        Self::Failed,
    ];

    /// The name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Presented => "presented",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Completed => "completed",
            Self::Superseded => "superseded",
            Self::Declined => "declined",
            Self::Lapsed => "lapsed",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing can happen to the grant any more.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Requested | Self::Presented | Self::Active | Self::Suspended)
    }

    /// Whether a data link may be minted in this state.
    pub const fn may_mint(self) -> bool {
        matches!(self, Self::Active)
    }

    /// The value of this state in a 2-bit status list (Token Status List §7): 0 valid, 1 invalid, 2 suspended.
    pub const fn status_value(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::Suspended => 2,
            _ => 1,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no grant state has this name")]
pub struct UnknownState;

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == name).ok_or(UnknownState)
    }
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 12] = [
        Self::Present,
        Self::Activate,
        Self::Decline,
        Self::Lapse,
        Self::Fail,
        Self::Suspend,
        Self::Resume,
        Self::Withdraw,
        Self::Expire,
        Self::Revoke,
        Self::Complete,
        Self::Supersede,
    ];

    /// What SP and DP are told when this happens to a live grant; a grant that ends for any reason but time has been
    /// withdrawn as far as they are concerned.
    pub const fn notice(self) -> Option<NoticeEvent> {
        match self {
            Self::Suspend => Some(NoticeEvent::Suspended),
            Self::Resume => Some(NoticeEvent::Resumed),
            Self::Withdraw | Self::Revoke | Self::Supersede => Some(NoticeEvent::Withdrawn),
            Self::Expire => Some(NoticeEvent::Expired),
            _ => None,
        }
    }
}

/// What becomes of a grant in `state` when `event` happens.
///
/// # Errors
/// [`TransitionError`] if that cannot happen: always in a terminal state.
pub const fn transition(state: State, event: Event) -> Result<State, TransitionError> {
    match (state, event) {
        (State::Requested, Event::Present) => Ok(State::Presented),
        (State::Requested, Event::Decline) => Ok(State::Declined),
        (State::Requested, Event::Lapse) => Ok(State::Lapsed),
        (State::Requested | State::Presented, Event::Fail) => Ok(State::Failed),
        (State::Presented, Event::Activate) | (State::Suspended, Event::Resume) => Ok(State::Active),
        (State::Active, Event::Suspend) => Ok(State::Suspended),
        (State::Active | State::Suspended, Event::Withdraw) => Ok(State::Withdrawn),
        (State::Active | State::Suspended, Event::Expire) => Ok(State::Expired),
        (State::Active | State::Suspended, Event::Revoke) => Ok(State::Revoked),
        (State::Active, Event::Complete) => Ok(State::Completed),
        (State::Active | State::Suspended, Event::Supersede) => Ok(State::Superseded),
        _ => Err(TransitionError { state, event }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_whole_table() {
        use Event as E;
        use State as S;
        let allowed = [
            (S::Requested, E::Present, S::Presented),
            (S::Requested, E::Decline, S::Declined),
            (S::Requested, E::Lapse, S::Lapsed),
            (S::Requested, E::Fail, S::Failed),
            (S::Presented, E::Fail, S::Failed),
            (S::Presented, E::Activate, S::Active),
            (S::Active, E::Suspend, S::Suspended),
            (S::Active, E::Withdraw, S::Withdrawn),
            (S::Active, E::Expire, S::Expired),
            (S::Active, E::Revoke, S::Revoked),
            (S::Active, E::Complete, S::Completed),
            (S::Active, E::Supersede, S::Superseded),
            (S::Suspended, E::Resume, S::Active),
            (S::Suspended, E::Withdraw, S::Withdrawn),
            (S::Suspended, E::Expire, S::Expired),
            (S::Suspended, E::Revoke, S::Revoked),
            (S::Suspended, E::Supersede, S::Superseded),
        ];
        for state in S::ALL {
            for event in E::ALL {
                let expected = allowed.iter().find(|(s, e, _)| (*s, *e) == (state, event)).map(|row| row.2);
                assert_eq!(transition(state, event).ok(), expected, "{state} {event:?}");
            }
        }
    }

    #[test]
    fn names_are_read_back_and_match_the_wire() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!("Active".parse::<State>(), Err(UnknownState));
    }

    #[test]
    fn only_an_active_grant_mints_and_has_the_status_valid() {
        for state in State::ALL {
            assert_eq!(state.may_mint(), state == State::Active);
            assert_eq!(state.status_value() == 0, state == State::Active);
        }
    }

    proptest! {
        /// However events come, a terminal state stays, and nothing becomes active without having been checked.
        #[test]
        fn terminal_states_are_final(events in prop::collection::vec(prop::sample::select(&Event::ALL[..]), 0..40)) {
            let mut state = State::Requested;
            let mut activated = false;
            for event in events {
                let before = state;
                if let Ok(after) = transition(state, event) {
                    prop_assert!(!before.is_terminal());
                    activated |= event == Event::Activate;
                    state = after;
                }
                prop_assert!(!state.may_mint() || activated);
            }
        }
    }
}
