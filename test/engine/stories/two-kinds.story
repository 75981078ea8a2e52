# c1 and c2 are local, p1 to p4 portable; the remote worker runs portable tasks only
worker here 1
----

worker far 1 remote ahead=1
----

open main
----

submit main p1 c1 p2 c2 p3 p4 portable=p1,p2,p3,p4
----
start p1 on far (attempt 1, its 1.)
start c1 on here (attempt 2, its 1.)
start p2 on far (attempt 3, its 1., ahead)

# p2 was sent ahead, and c2 is the next for a local worker.
succeed c1
----
start c2 on here (attempt 4, its 1.)

succeed p1
----
begin p2 (attempt 3)
start p3 on far (attempt 5, its 1., ahead)

# The local worker runs portable tasks too.
succeed c2
----
start p4 on here (attempt 6, its 1.)

# Portable tasks of the lost worker run here, p1 again, whose result was there.
lose far
----

succeed p4
----
start p1 on here (attempt 7, its 1.)

succeed p1
----
start p2 on here (attempt 8, its 1.)

succeed p2
----
start p3 on here (attempt 9, its 1.)

succeed p3
----

close main wait=1
----
forget p1 and its result
forget c1 and its result
forget p2 and its result
forget c2 and its result
forget p3 and its result
forget p4 and its result
wait 1 is over
