# What a person sees when information is asked for, and afterwards in the list
consent-title = “{ $name }” asks for your information
consent-provider = From: { $name } ({ $service })
consent-recipient = To: { $name }
consent-corporate-number = corporate number { $number }
consent-purpose = Used for: { $text }
consent-not-passed-on = Not used for anything else; not passed on
consent-passed-on = Not used for anything else; passed on to: { $names }
consent-items = Items:
consent-item-required = { $label } (required)
consent-item-optional = { $label } (not needed for this, but given too if you agree)
consent-item-from = { $label }: from { $from } on
consent-item-to = { $label }: until { $to }
consent-special = Includes sensitive data: { $items }
consent-period = From { $from } until { $to }
consent-once = Only once
consent-at-most-hour = At most { $count } per hour
consent-at-most-day = At most { $count } per day
consent-at-most-week = At most { $count } per week
consent-at-most-month = At most { $count } per month
consent-at-most-year = At most { $count } per year
consent-as-often-as-needed = Whenever it is needed
consent-name-with-number = { $name } ({ $number })
consent-total =
    { $count ->
        [one] At most once in all
       *[other] At most { $count } times in all
    }
consent-retention = Kept for { $period }; deleted if you withdraw
consent-retention-kept = Kept for { $period }, also if you withdraw
consent-not-kept = Not kept
consent-legal-basis = Basis: { $basis }
legal-basis-consent = your consent
country-JP = Japan
consent-countries = Handled in: { $countries }
consent-refusal = { $text }
consent-withdraw = You can withdraw at any time. New sharing stops within { $within }
consent-withdraw-also = You can also withdraw at: { $places }
consent-policy = Details: { $uri }
consent-ids-stay-apart = The companies do not learn each other’s number for you
consent-agree = Agree
consent-decline = Don’t agree
consent-later = Decide later
consent-done = Recorded; receipt saved
consent-no-credential = Linking credentials used up; connect to refresh
grants-active = Active
grants-paused = Paused
grants-ended = Ended
grants-history = When, to whom, what
grants-withdraw = Withdraw
grants-withdraw-effect = New sharing stops within a minute. The recipient deletes what it already has; we will tell you.
grants-withdrawn = Withdrawn ({ $when })
date-format = { $year }-{ $month }-{ $day }
duration-days =
    { $count ->
        [one] { $count } day
       *[other] { $count } days
    }
duration-months =
    { $count ->
        [one] { $count } month
       *[other] { $count } months
    }
duration-years =
    { $count ->
        [one] { $count } year
       *[other] { $count } years
    }
duration-seconds =
    { $count ->
        [one] { $count } second
       *[other] { $count } seconds
    }
duration-minutes =
    { $count ->
        [one] { $count } minute
       *[other] { $count } minutes
    }
first-party-title = “{ $name }” wants to know that it is you
first-party-what = Shows your number at “{ $name }”
first-party-nobody-else = This number is for this organisation only; no other sees it
