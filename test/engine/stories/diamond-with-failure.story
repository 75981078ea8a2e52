#   a
#  / \      and c after b too
# b   |
#  \ /
#   c
worker w1 1
----

open main
----

submit main a b:a c:a,b wants=a,b,c
----
start a on w1 (attempt 1, its 1.)

fail a 7
----

outcome b
----
Failed a b

outcome c
----
Failed a c

close main wait=1
----
forget a
forget b
forget failure 7
forget c
wait 1 is over
