"""What an order is, given what was said about it. No I/O.

`facts` says in which order facts count, `coupons` and `orders` hold the tables and the walk over
them, `changes` the steps from what was known to what is known now, `words` the explanations,
`identities` what makes two observations the same.
"""
